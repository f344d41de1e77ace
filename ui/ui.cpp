#include "ui/ui.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "api/platform_time.h"
#include "imgui_internal.h"
#include "ui/lesson/lesson_runner.h"

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

bool Measures::add_key(const DreamView& dream) {
  if (dream.pressed_at <= 0 || dream.pressed_at == answered) return false;
  answered = dream.pressed_at;
  key_to_pixel = static_cast<float>((now_seconds() - dream.pressed_at) * 1000);
  input = static_cast<float>(dream.input_ms);
  model = static_cast<float>(dream.model_ms);
  decode = static_cast<float>(dream.decode_ms);
  draw = std::max(key_to_pixel - input - model - decode, 0.0f);
  any_key = true;
  keys.push_back(key_to_pixel);
  if (keys.size() > 200) keys.pop_front();
  return true;
}

namespace {

std::string training_owner(const Ui& ui) {
  return "train " + ui.train().run;
}
std::string dream_owner(const Ui& ui) {
  return "dream " + ui.dream().run;
}
bool is_open(const Ui& ui, const UndoStep& step) {
  return step.owner == training_owner(ui) || step.owner == dream_owner(ui);
}
/// The newest step of an open run that Ctrl-Z takes back, or the end.
template <class Steps>
auto step_to_undo(const Ui& ui, Steps& steps) {
  return std::find_if(steps.rbegin(), steps.rend(),
                      [&](const UndoStep& step) { return step.done && is_open(ui, step); });
}
/// The oldest one that was taken back, or the end.
template <class Steps>
auto step_to_redo(const Ui& ui, Steps& steps) {
  return std::find_if(steps.begin(), steps.end(),
                      [&](const UndoStep& step) { return !step.done && is_open(ui, step); });
}

}  // namespace

void Ui::send(Command command) {
  if (lessons && !lessons->take(*this, command)) return pending.clear();
  engine.send(std::move(command));
}

void Ui::open(const std::string& path) {
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(path, ignored) && !std::filesystem::exists(path + "/checkpoint.safetensors", ignored);
  if (folder && data.shown_at >= ImGui::GetFrameCount() - 1) {  // whoever looks at data drops data
    want_panel = "data";
    return send(OpenDataset{path});
  }
  want_panel = "worlds";  // Home, and what lies over them, go
  if (path.ends_with(".toml")) return lessons->open(*this, path);
  std::string ending = std::filesystem::path(path).extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool picture = ending == ".png" || ending == ".jpg" || ending == ".jpeg" || ending == ".bmp";
  if (dream().spaces.goals && dream().has_model && picture) return send(SetGoal{0, 0, path});
  send(OpenRun{path});
}

void Ui::undoable(std::string what, std::vector<Command> undo, std::vector<Command> redo) {
  if (lessons && !redo.empty() && lessons->holds(redo.front())) return;
  std::erase_if(undo_steps, [this](const UndoStep& step) { return !step.done && is_open(*this, step); });
  const bool trains = !redo.empty() && std::holds_alternative<SetField>(redo.front());
  undo_steps.push_back(
      {std::move(what), trains ? training_owner(*this) : dream_owner(*this), std::move(undo), std::move(redo)});
  if (undo_steps.size() > 200) undo_steps.erase(undo_steps.begin());
}

bool Ui::can_undo() const {
  return step_to_undo(*this, undo_steps) != undo_steps.rend();
}

bool Ui::can_redo() const {
  return step_to_redo(*this, undo_steps) != undo_steps.end();
}

void Ui::undo() {
  const auto step = step_to_undo(*this, undo_steps);
  if (step == undo_steps.rend()) return;
  pending.clear();
  step->done = false;
  for (const Command& command : step->undo) send(command);
}

void Ui::redo() {
  const auto step = step_to_redo(*this, undo_steps);
  if (step == undo_steps.end()) return;
  pending.clear();
  step->done = true;
  for (const Command& command : step->redo) send(command);
}

const Action* Ui::action(const std::string& id) const {
  for (const Action& action : actions)
    if (action.id == id) return &action;
  return nullptr;
}

std::string Ui::keys_of(const Action& action) const {
  const auto free = [&](ImGuiKeyChord chord) {
    return (chord & ImGuiMod_Mask_) != 0 || !keymap.drives(static_cast<ImGuiKey>(chord));
  };
  if (action.chord == 0 || free(action.chord)) return action.keys;
  for (const ImGuiKeyChord chord : action.also) {
    if (!free(chord)) continue;
    std::string name = ImGui::GetKeyChordName(chord);
    std::replace(name.begin(), name.end(), '+', '-');
    return name;
  }
  return "";
}

void Ui::run(const std::string& id) {
  const Action* found = action(id);
  if (found && (!found->why_not || found->why_not(*this).empty())) found->run(*this);
}

void Ui::note(int level, std::string text) {
  notes.push_back({time, level, std::move(text)});
  if (notes.size() > 100) notes.erase(notes.begin());
}

void Ui::say(std::string text) {
  said = text, said_at = time;
  note(0, std::move(text));
}

double Ui::settle(const std::string& key, double from_engine) {
  const auto it = pending.find(key);
  if (it == pending.end()) return from_engine;
  const double sent = it->second.value;  // floats come back a little rounded
  if (time > it->second.until || std::abs(from_engine - sent) <= 1e-6 * std::abs(sent)) {
    pending.erase(it);
    return from_engine;
  }
  return it->second.value;
}

}  // namespace dream::ui
