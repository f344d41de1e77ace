#include "ui/ui.h"

#include <algorithm>
#include <cmath>

#include "api/platform_time.h"

namespace dream::ui {

void Measures::add_frame(float ms) {
  frames[static_cast<std::size_t>(at)] = ms;
  at = (at + 1) % static_cast<int>(frames.size());
  filled = std::min(filled + 1, static_cast<int>(frames.size()));
  if (at % 20 != 0) return;
  std::array<float, 240> sorted = frames;
  const auto end = sorted.begin() + filled;
  const auto nth = sorted.begin() + std::min(filled - 1, static_cast<int>(std::ceil(0.99 * filled)) - 1);
  std::nth_element(sorted.begin(), nth, end);
  p99 = *nth;
  float sum = 0;
  for (auto it = sorted.begin(); it != end; ++it) sum += *it;
  mean = sum / static_cast<float>(filled);
}

void Ui::undoable(std::string what, std::vector<Command> undo, std::vector<Command> redo) {
  undo_steps.resize(undo_at);
  undo_steps.push_back({std::move(what), std::move(undo), std::move(redo)});
  if (undo_steps.size() > 200) undo_steps.erase(undo_steps.begin());
  undo_at = undo_steps.size();
}

void Ui::undo() {
  if (!can_undo()) return;
  pending.clear();
  for (const Command& command : undo_steps[--undo_at].undo) send(command);
}

void Ui::redo() {
  if (!can_redo()) return;
  pending.clear();
  for (const Command& command : undo_steps[undo_at++].redo) send(command);
}

const Action* Ui::action(const std::string& id) const {
  for (const Action& action : actions)
    if (action.id == id) return &action;
  return nullptr;
}

void Ui::run(const std::string& id) {
  const Action* found = action(id);
  if (found && (!found->why_not || found->why_not(*this).empty())) found->run(*this);
}

void Ui::note(int level, std::string text) {
  notes.push_back({time, level, std::move(text)});
  if (notes.size() > 100) notes.erase(notes.begin());
}

double Ui::settle(const std::string& key, double from_engine) {
  const auto it = pending.find(key);
  if (it == pending.end()) return from_engine;
  if (time > it->second.until || std::abs(from_engine - it->second.value) < 1e-4) {
    pending.erase(it);
    return from_engine;
  }
  return it->second.value;
}

}  // namespace dream::ui
