#include "ui/sentence.h"
#include "ui/words.h"

#include <algorithm>

namespace dream::ui {
namespace {

/// Where the driving keys go, when that is not where one expects; else empty.
Sentence keys_elsewhere(const Ui& ui) {
  const Palette& p = ui.color();
  if (!ui.focused) return {"Click the window: keys go elsewhere.", p.warning};
  if (ui.keymap.captured()) return {"Every key goes to the game; Esc takes them back.", p.dream};
  if (ImGui::GetIO().WantTextInput) return {"Keys go to the text field.", p.warning};
  return {};
}

/// Said at launch, until a key was held for a moment or some ten seconds have passed.
std::string welcome(Ui& ui) {
  ViewState& state = ui.views["welcome"];
  constexpr int enough = 600;  // frames drawn; one in which a key is held counts for twenty
  if (state.selected > enough) return "";
  state.selected += ui.keymap.engaged() ? 20 : 1;
  std::string keys;
  for (const KeyBinding& binding : ui.dream().spaces.action.keys) {
    if (keys.size() > 24) break;
    keys += (keys.empty() ? "" : " ") + ui.keymap.to_label(binding.key);
  }
  const std::string where = ui.dream().has_model ? "You are inside a dream" : "This is the real world: there is no model to dream with";
  if (keys.empty()) return where + ".";
  const bool arrows = keys.find("←") != std::string::npos;
  return where + (ui.dream().has_model ? ": " : "; ") + (arrows ? std::string("the arrow keys") : keys) + " drive it.";
}

/// Gradient steps that the dream's weights have seen; < 0: not known. Its training tells it newer than its file.
std::int64_t updates_of(const Ui& ui) {
  const DreamView& dream = ui.dream();
  const TrainView& train = ui.train();
  if (!train.open || dream.run != train.run) return dream.updates;
  double most = 0;
  for (const CurveView& curve : train.curves)
    if ((curve.x_unit == "update" || curve.x_unit == "step") && !curve.x.empty()) most = std::max(most, curve.x.back());
  return static_cast<std::int64_t>(most);
}

std::string untrained(const Ui& ui) {
  constexpr std::int64_t enough = 100;
  const std::int64_t updates = ui.dream().has_model ? updates_of(ui) : -1;
  if (updates < 0 || updates >= enough) return "";
  return "Not trained yet: " + counted(updates, "update") + "." +
         " What you see is close to noise.";
}

}  // namespace

Sentence sentence(Ui& ui) {
  const Palette& p = ui.color();
  const DreamView& dream = ui.dream();
  if (!dream.ready) return {dream.opening.empty() ? "No dream yet." : "Opening " + dream.opening + " …", p.muted};
  if (ui.experiment.running()) return {ui.experiment.says() + " (Esc stops.)", p.dream};
  if (Sentence keys = keys_elsewhere(ui); !keys.text.empty()) return keys;
  if (!ui.game.ended().empty()) return {ui.game.ended(), p.text};
  if (std::string noise = untrained(ui); !noise.empty()) return {noise, p.warning};
  if (std::string hello = welcome(ui); !hello.empty()) return {hello, p.text};
  if (dream.spaces.action.keys.empty()) return {"This world has no keys.", p.muted};
  if (dream.human_pilot || !dream.has_behaviour)
    return {"Hold a key to drive; nobody does while none is held.", p.muted};
  return {"Hold a key to take over; let go to hand back to the agent.", p.muted};
}

}  // namespace dream::ui
