#include "ui/choice_names.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace dream::ui {
namespace {

constexpr std::size_t most_bytes = 24;

/// Of a run's folder: it may be moved, and a copy is the same model.
std::string choice_key(const DreamView& dream, int choice) {
  auto key = std::filesystem::path(dream.run).filename().string() + " " + std::to_string(choice + 1);
  std::ranges::replace(key, '=', '-');  // which ends a key in the settings' file
  return key;
}

}  // namespace

std::string choice_name(const Settings& settings, const DreamView& dream, int choice) {
  const auto found = settings.choices.find(choice_key(dream, choice));
  return found == settings.choices.end() ? "" : found->second;
}

void name_choice(Settings& settings, const DreamView& dream, int choice, const std::string& name) {
  std::string plain;
  auto end = std::min(name.size(), most_bytes);
  while (end < name.size() && end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;  // whole letters alone
  for (const char c : name.substr(0, end)) plain += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  if (plain.find_first_not_of(' ') == std::string::npos)
    settings.choices.erase(choice_key(dream, choice));
  else
    settings.choices[choice_key(dream, choice)] = plain;
}

std::shared_ptr<const Snapshot> with_choice_names(std::shared_ptr<const Snapshot> snapshot, const Settings& settings) {
  const DreamView& dream = *snapshot->dream;
  const std::size_t count = dream.spaces.action.choices.size();
  std::shared_ptr<DreamView> named;
  for (std::size_t i = 0; i < count && !settings.choices.empty(); ++i) {
    const std::string name = choice_name(settings, dream, static_cast<int>(i));
    if (name.empty()) continue;
    if (!named) named = std::make_shared<DreamView>(dream);
    auto& action = named->spaces.action;
    action.choices[i] = name;
    for (KeyBinding& binding : action.keys)
      if (action.discrete() && binding.value == static_cast<float>(i)) binding.label = name;
    if (dream.fan.over == FanOver::action && i < named->fan.futures.size()) named->fan.futures[i].label = name;
  }
  if (!named) return snapshot;
  auto other = std::make_shared<Snapshot>(*snapshot);
  other->dream = std::move(named);
  return other;
}

}  // namespace dream::ui
