// How pictures are looked at: the keys of tev where it has one.
#include <algorithm>
#include <cmath>

#include "ui/ui.h"

namespace dream::ui {
namespace {

std::string is_plain(const Ui& ui) {
  return ui.look == PictureLook{} ? "The pictures are shown as they are." : "";
}

void expose(Ui& ui, float stops) {
  ui.look.exposure = std::clamp(ui.look.exposure + stops, -most_exposure, most_exposure);
}

void bend_gamma(Ui& ui, float step) {
  ui.look.gamma = std::clamp(std::round((ui.look.gamma + step) * 10) / 10, least_gamma, most_gamma);
}

template <class Choice>
void next(Choice& choice, Choice last) {
  choice = choice == last ? Choice{} : static_cast<Choice>(static_cast<int>(choice) + 1);
}

}  // namespace

std::vector<Action> picture_actions() {
  using Look = PictureLook;
  std::vector<Action> all;
  const auto add = [&](const char* id, const char* title, ImGuiKeyChord chord, const char* keys, const char* help,
                       void (*run)(Ui&)) -> Action& {
    return all.emplace_back(Action{id, "Picture", title, chord, keys, help, run, {}});
  };
  add("look_difference", "Difference to the real picture", ImGuiKey_X, "X",
      "The dream and the reconstruction less the real picture, a branch less the dream: in signed colours, whose middle "
      "is no difference.",
      [](Ui& ui) {
        ui.look.difference = !ui.look.difference;
        ui.look.map = ui.look.difference ? Look::Map::diverging : Look::Map::none;
      })
      .checked = [](const Ui& ui) { return ui.look.difference; };
  add("look_channel", "Next channel", ImGuiKey_N, "N", "All, red, green, blue, luminance.",
      [](Ui& ui) { next(ui.look.channel, Look::Channel::luminance); });
  add("look_map", "Next colour map", ImGuiKey_V, "V",
      "The picture's own colours, a map of magnitudes, a signed map with its middle at half, or at no difference.",
      [](Ui& ui) { next(ui.look.map, Look::Map::diverging); });
  add("exposure_up", "More exposure", ImGuiKey_E, "E", "Half a stop lighter: values times 1.41.",
      [](Ui& ui) { expose(ui, 0.5f); })
      .parted = true;
  add("exposure_down", "Less exposure", ImGuiMod_Shift | ImGuiKey_E, "Shift-E", "Half a stop darker: values divided by 1.41.",
      [](Ui& ui) { expose(ui, -0.5f); });
  add("gamma_up", "More gamma", ImGuiKey_G, "G", "Lifts what is dark: v becomes v^(1/gamma).",
      [](Ui& ui) { bend_gamma(ui, 0.1f); });
  add("gamma_down", "Less gamma", ImGuiMod_Shift | ImGuiKey_G, "Shift-G", "Deepens what is dark: v becomes v^(1/gamma).",
      [](Ui& ui) { bend_gamma(ui, -0.1f); });
  Action& reset = add("look_reset", "Picture as it is", ImGuiMod_Ctrl | ImGuiKey_0, "Ctrl-0",
                      "No difference, exposure, gamma, channel or colour map: what the model made.",
                      [](Ui& ui) { ui.look = {}; });
  reset.why_not = is_plain;
  reset.parted = true;
  return all;
}

}  // namespace dream::ui
