// Nine futures of one moment: what they differ by, and the one to go on with.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "imgui.h"
#include "imgui_stdlib.h"
#include "ui/choice_names.h"
#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct FanChoice {
  OpenFan open;
  std::string name, help;
  std::string why_not = {};
};

std::vector<FanChoice> fan_choices(const DreamView& dream) {
  std::vector<FanChoice> all{
      {{FanOver::chance, ""}, "chance", "The same actions of the agent, or of your hands; the draws alone differ."}};
  for (const KnobView& knob : dream.knobs)
    all.push_back({{FanOver::knob, knob.knob.name}, knob.knob.title, "From its least to its most: " + knob.knob.help});
  all.push_back({{FanOver::action, ""},
                 "actions",
                 dream.spaces.action.discrete() ? "Every future holds another action."
                                                : "Every future holds its first axis at another value."});
  all.push_back({{FanOver::weights, ""},
                 "training",
                 "How the run dreamt this moment on as its training went. Each has seen the same pictures, and goes on by "
                 "the same chance.",
                 dream.earlier_weights > 0 ? "" : "This run has kept no earlier weights. One that is trained here keeps some on its way."});
  return all;
}

/// What a future does, to be named by whoever sees what that is.
void draw_choice_name(Ui& ui, const DreamView& dream, int choice, float width) {
  std::string name = dream.fan.futures[static_cast<std::size_t>(choice)].label;
  ImGui::SetNextItemWidth(width);
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(3), 0});
  const std::string id = "##name" + std::to_string(choice);
  if (ImGui::InputText(id.c_str(), &name, ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_AutoSelectAll) ||
      ImGui::IsItemDeactivatedAfterEdit()) {
    name_choice(ui.settings, dream, choice, name);
    ui.settings_changed = true;
  }
  ImGui::PopStyleVar();
  tip(ui, "Its name", "Type what this does: the name stands wherever it is shown. An empty one brings back the model's own.");
}

/// What a future is, and what became of it, in two lines below its picture; `tight`: what it is, on the picture.
void draw_future(Ui& ui, const DreamView& dream, int index, ImVec2 size, bool tight) {
  const Palette& p = ui.color();
  const FutureView& future = dream.fan.futures[static_cast<std::size_t>(index)];
  const std::string slot = "future" + std::to_string(index);
  ImGui::BeginGroup();
  const ImVec2 min = ImGui::GetCursorScreenPos(), max{min.x + size.x, min.y + size.y};
  const bool clicked = ImGui::InvisibleButton(slot.c_str(), size);
  const bool hovered = ImGui::IsItemHovered();
  const bool other_weights = !future.weights.empty();
  char figure[24];
  std::snprintf(figure, sizeof figure, "%.1f", future.reward);
  std::string about = dream.has_reward ? "Reward so far: " + std::string(figure) + ". " : "";
  about += other_weights ? "Click: dream on with these weights, in the same real world. The list of runs leads back."
                         : "Click: the dream goes on from here, as a branch of this moment.";
  tip(ui, future.label.c_str(), about.c_str());
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(min, max, p.well);
  if (!draw_image(ui, slot, future.picture, min, max) && other_weights) centred_note(ui, min, max, "opening");
  const bool ended = future.done_probability > 0.5f;
  if (ended) list->AddRectFilled(min, max, fade(p.well, 0.6f));
  list->AddRect(min, max, hovered ? p.dream : fade(p.dream, 0.35f), 0, ui.px(hovered ? 2.0f : 1.0f));
  if (tight) {
    WithFont small(ui.fonts.text, 0.72f);
    const float line = ImGui::GetTextLineHeight() + ui.px(2);
    list->AddRectFilled({min.x, max.y - line}, max, fade(p.well, 0.8f));
    list->AddText({min.x + ui.px(3), max.y - line}, ended ? p.warning : p.text,
                  fitted(ended ? "it ended" : future.label, size.x - ui.px(6)).c_str());
  } else {
    WithFont small(ui.fonts.text, 0.82f);
    if (dream.fan.over == FanOver::action && dream.spaces.action.discrete())
      draw_choice_name(ui, dream, index, size.x);
    else
      text(p.text, "%s", fitted(future.label, size.x).c_str());
    if (ended) {
      text(p.warning, "it ended");
    } else {
      std::string said;
      if (dream.has_reward) said = figure + std::string(" reward");
      if (ImGui::CalcTextSize(said.c_str()).x > size.x) said = figure;
      text(p.muted, "%s", fitted(said, size.x).c_str());
    }
  }
  ImGui::EndGroup();
  if (!clicked) return;
  if (other_weights)
    ui.send(OpenRun{future.weights});
  else
    ui.send(TakeFuture{index});
}

}  // namespace

void draw_fan(const Snapshot& snapshot, Ui& ui) {
  ui.fan_seen = ImGui::GetFrameCount();
  const DreamView& dream = *snapshot.dream;
  const Palette& p = ui.color();
  const FanView& fan = dream.fan;
  const bool open = fan.over != FanOver::closed;
  const float width = ImGui::GetContentRegionAvail().x;
  char note[64] = "nine futures of this moment";
  if (open)
    std::snprintf(note, sizeof note, "%lld of %lld steps on", static_cast<long long>(fan.steps),
                  static_cast<long long>(fan.most));
  header(ui, "Fan", p.dream, note, width);
  const std::string why_not = !dream.ready       ? "No dream yet."
                              : !dream.has_model ? "This system has no model, so it imagines no futures."
                                                 : "";
  const std::vector<FanChoice> choices = fan_choices(dream);
  const auto same = [&](const FanChoice& c) { return c.open.over == fan.over && c.open.knob == fan.knob; };
  const auto now = std::find_if(choices.begin(), choices.end(), same);
  ImGui::BeginDisabled(!why_not.empty());
  ImGui::AlignTextToFramePadding();
  text(p.muted, "over");
  ImGui::SameLine(0, ui.px(8));
  ImGui::SetNextItemWidth(std::min(ui.px(180), width - ui.px(130)));
  if (ImGui::BeginCombo("##over", now == choices.end() ? "choose …" : now->name.c_str())) {
    for (const FanChoice& choice : choices) {
      ImGui::BeginDisabled(!choice.why_not.empty());
      if (ImGui::Selectable(choice.name.c_str(), same(choice))) ui.send(choice.open);
      ImGui::EndDisabled();
      tip(ui, choice.name.c_str(), choice.why_not.empty() ? choice.help.c_str() : choice.why_not.c_str());
    }
    ImGui::EndCombo();
  }
  ImGui::EndDisabled();
  tip(ui, "Fan over", why_not.empty() ? "What the futures differ by. They begin at this moment, and the dream waits there."
                                      : why_not.c_str());
  ImGui::SameLine(0, ui.px(8));
  action_button(ui, open ? "close###fan" : "open###fan", "fan", !open);
  if (!open) {
    ImGui::Dummy({0, ui.px(4)});
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
    text(p.muted, "%s", why_not.empty() ? "F opens it: the same moment goes on nine times at once, by chance alone, over a "
                                          "knob, or over what is done. Click one of them, and the dream goes on from there."
                                        : why_not.c_str());
    ImGui::PopTextWrapPos();
    return;
  }
  ImGui::Dummy({0, ui.px(2)});
  const int count = static_cast<int>(fan.futures.size()), columns = count > 4 ? 3 : std::max(1, std::min(count, 2));
  const int rows = (count + columns - 1) / columns;
  const float gap = ui.px(8);
  const auto& spaces = dream.spaces;
  const float aspect = spaces.image_width > 0 ? static_cast<float>(spaces.image_height) / static_cast<float>(spaces.image_width) : 1;
  const float row = (ImGui::GetContentRegionAvail().y - ui.px(30)) / static_cast<float>(rows) - gap;
  const float words = 2 * ImGui::GetTextLineHeight() + ui.px(8);
  const bool tight = row - words < ui.px(64);
  const float high = tight ? row : row - words;
  const float side = std::max(std::min((width - gap * static_cast<float>(columns - 1)) / static_cast<float>(columns), high / aspect), ui.px(48));
  for (int i = 0; i < count; ++i) {
    if (i % columns > 0) ImGui::SameLine(0, gap);
    draw_future(ui, dream, i, {std::floor(side), std::floor(side * aspect)}, tight);
  }
  const char* what_next = fan.steps >= fan.most ? "They wait there: click one to go on with it."
                                                : "Click one to go on from there. Space holds them still.";
  text(p.muted, "%s", fitted(what_next, width).c_str());
  tip(ui, "Futures", what_next);
}

}  // namespace dream::ui
