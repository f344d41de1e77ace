#include "ui/sentence.h"

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
  if (keys.empty()) return "You are inside a dream.";
  const bool arrows = keys.find("←") != std::string::npos;
  return "You are inside a dream: " + (arrows ? std::string("the arrow keys") : keys) + " drive it.";
}

}  // namespace

Sentence sentence(Ui& ui) {
  const Palette& p = ui.color();
  const DreamView& dream = ui.dream();
  if (!dream.ready) return {"No dream yet.", p.muted};
  if (Sentence keys = keys_elsewhere(ui); !keys.text.empty()) return keys;
  if (std::string hello = welcome(ui); !hello.empty()) return {hello, p.text};
  if (dream.spaces.action.keys.empty()) return {"This world has no keys.", p.muted};
  if (dream.human_pilot || !dream.has_behaviour) return {"Hold a key to drive; nobody does while none is held.", p.muted};
  return {"Hold a key to take over; let go to hand back to the agent.", p.muted};
}

}  // namespace dream::ui
