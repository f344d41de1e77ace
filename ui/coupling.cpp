#include "ui/coupling.h"

#include <algorithm>

#include "ui/control_row.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

struct Way {
  Coupling how;
  const char *word, *name, *brief, *help;  // brief: the name where there is little room
  int least = 0, usual = 0, most = 0;  // steps; 0: it has none
};

constexpr Way ways[] = {
    {Coupling::drift, "drift", "drift", "drift",
     "The agent drives by the real frames; the dream takes the same actions, never corrected."},
    {Coupling::anchored, "anchored", "re-anchored", "anchored",
     "The agent drives by the dream, which stands on the real frame again every few steps.", 1, 10, 200},
    {Coupling::reality_leads, "reality_leads", "reality leads", "reality",
     "The agent drives by the real frames, and the dream runs a few steps ahead of them: what it foretells.", 1, 10,
     50},
    {Coupling::dream_leads, "dream_leads", "dream leads", "dream",
     "The agent drives by the dream, never corrected; the real world takes its actions."},
    {Coupling::awake, "awake", "awake", "awake", "The dream stands on every real frame: you drive in the real world. H hands over."},
};

const Way& way_of(Coupling how) {
  return *std::find_if(std::begin(ways), std::end(ways), [&](const Way& way) { return way.how == how; });
}

void choose(Ui& ui, const DreamView& dream, SetCoupling next) {
  ui.undoable("coupling", SetCoupling{dream.coupling, dream.coupling_steps}, next);
  ui.send(next);
}

void draw_way(Ui& ui, const DreamView& dream, const Way& now, float width) {
  ImGui::SetNextItemWidth(width);
  const auto look = width < ui.px(100) ? ImGuiComboFlags_NoArrowButton : ImGuiComboFlags_None;
  const float arrow = look == ImGuiComboFlags_None ? ImGui::GetFrameHeight() : 0;
  const float room = width - arrow - 2 * ImGui::GetStyle().FramePadding.x;
  const auto said = fitted(ImGui::CalcTextSize(now.name).x <= room ? now.name : now.brief, room);
  if (!ImGui::BeginCombo("###coupling", said.c_str(), look)) return;
  for (const Way& way : ways) {
    if (ImGui::Selectable(way.name, way.how == dream.coupling)) choose(ui, dream, {way.how, way.usual});
    tip(ui, way.name, way.help);
  }
  ImGui::EndCombo();
}

void draw_steps(Ui& ui, const DreamView& dream, const Way& now, float width) {
  ImGui::SetNextItemWidth(width);
  int count = dream.coupling_steps;
  if (ImGui::DragInt("###coupling steps", &count, 0.2f, now.least, now.most, "%d", ImGuiSliderFlags_AlwaysClamp) &&
      count != dream.coupling_steps)
    choose(ui, dream, {dream.coupling, count});
  tip(ui, "Steps",
      dream.coupling == Coupling::anchored
          ? "Steps between two real frames that the dream sees. Drag, or Ctrl-click to type."
          : "Steps that the dream is ahead of reality. Drag, or Ctrl-click to type.");
}

void draw_twin(Ui& ui, const DreamView& dream, float width) {
  if (button(ui, dream.twin ? "hide real###twin" : "show real###twin",
             dream.twin ? "Leave the real world" : "Show the real world",
             dream.twin ? "The real environment stands still; the dream goes on alone."
                        : "Step the real environment beside the dream, from the same start, under the same actions.",
             {.why_not = dream.ready ? "" : "No dream yet.", .width = width}))
    ui.run("twin");
}

}  // namespace

SetCoupling anchored_every(int steps) {
  return steps > 0 ? SetCoupling{Coupling::anchored, steps} : SetCoupling{Coupling::dream_leads, 0};
}

int anchor_of(const DreamView& dream) {
  return dream.coupling == Coupling::anchored ? dream.coupling_steps : 0;
}

std::vector<std::string> coupling_words() {
  std::vector<std::string> all;
  for (const Way& way : ways) all.push_back(way.word);
  return all;
}

std::string coupling_word(Coupling how) {
  return way_of(how).word;
}

Coupling coupling_called(const std::string& word) {
  const auto found = std::ranges::find(ways, word, &Way::word);
  return found == std::end(ways) ? Coupling::drift : found->how;
}

int usual_steps_of(Coupling how) {
  return way_of(how).usual;
}

std::string coupling_text(Coupling how, int steps) {
  const std::string count = counted(steps, "step");
  if (how == Coupling::anchored) return "re-anchored every " + count;
  if (how == Coupling::reality_leads) return "reality leads, the dream is " + count + " ahead";
  return way_of(how).name;
}

std::string coupling_text(const DreamView& dream) {
  return coupling_text(dream.coupling, dream.coupling_steps);
}

void draw_coupling(Ui& ui, const DreamView& dream, float width) {
  const bool tied = dream.ready && dream.twin && !dream.recorded;
  const Way& now = way_of(dream.coupling);
  const auto label = [](const char* text) {
    return ImGui::CalcTextSize(text).x + 2 * ImGui::GetStyle().FramePadding.x;
  };
  const float pill = label("pill"), twin = label("show real"), steps = ui.px(46);
  std::vector<Control> controls{{ui.px(72), ui.px(136), [&](float wide) {
                                   ImGui::BeginDisabled(!tied);
                                   draw_way(ui, dream, now, wide);
                                   ImGui::EndDisabled();
                                   tip(ui, "Coupling", tied ? now.help : "No real world goes with this dream.");
                                 }}};
  if (now.most > 0)
    controls.push_back({steps, steps, [&](float wide) {
                          ImGui::BeginDisabled(!tied);
                          draw_steps(ui, dream, now, wide);
                          ImGui::EndDisabled();
                        }});
  controls.push_back({pill, pill, [&](float wide) { action_button(ui, "pill", "pill", false, wide); }});
  controls.push_back({twin, twin, [&](float wide) { draw_twin(ui, dream, wide); }});
  control_row(ui, "coupling", controls, width);
}

}  // namespace dream::ui
