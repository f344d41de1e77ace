#include "ui/knobs.h"

#include <algorithm>
#include <cmath>

#include "ui/lesson/lesson_runner.h"
#include "ui/slider.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

std::string help_of(const KnobGroup& group) {
  return group.help + " [ and ] change it; double-click resets it; Ctrl-click types.";
}

std::vector<Command> commands(const KnobSettings& settings) {
  std::vector<Command> all;
  for (const auto& [name, value] : settings) all.push_back(SetKnob{name, value});
  return all;
}

/// One slider for `knobs`, which it moves together.
void draw_one(Ui& ui, const std::vector<const KnobView*>& knobs, const std::string& id, const char* symbol,
                const std::string& title, const std::string& help, float width) {
  const Palette& p = ui.color();
  const Knob& knob = knobs.front()->knob;
  const float begun = ImGui::GetCursorPosX();
  ImGui::AlignTextToFramePadding();
  // Beside its letter stands what it means, where a slider has room for both.
  if (title != symbol && ImGui::CalcTextSize((title + symbol).c_str()).x + ui.px(160) < width) {
    text(p.muted, "%s", title.c_str());
    ImGui::SameLine(0, ui.px(6));
  }
  text(p.text, "%s", symbol);
  ImGui::SameLine(0, ui.px(6));
  double value = ui.settle(knob.name, knobs.front()->value);
  const float figures = ui.px(38) + ImGui::GetCursorPosX() - begun;
  const SliderResult moved = slider(ui, ("##" + id).c_str(), &value,
                                    {knob.minimum, knob.maximum, knob.logarithmic, knob.whole}, knob.default_value,
                                    width - figures);
  tip(ui, title.c_str(), help.c_str());
  mark(ui, id);
  const auto at = [&](double where) {
    KnobSettings settings;
    for (const auto* k : knobs) settings.emplace_back(k->knob.name, where);
    return settings;
  };
  if (moved.changed) set_knobs(ui, at(value));
  if (moved.ended) ui.undoable(symbol, commands(at(moved.before)), commands(at(value)));
  ImGui::SameLine(0, ui.px(6));
  ImGui::AlignTextToFramePadding();
  const bool small = value != 0 && std::abs(value) < 0.01;  // 0.005 is not 0.01
  mono(ui, p.text, knob.whole ? "%4.0f" : small ? "%4.3f" : "%4.2f", value);
}

void draw_link(Ui& ui, bool linked, const std::vector<const KnobView*>& all) {
  const std::string label = std::string(linked ? icon::link : icon::unlink) + "###link";
  ImGui::PushStyleColor(ImGuiCol_Button, IM_COL32_BLACK_TRANS);
  ImGui::PushStyleColor(ImGuiCol_Text, ui.color().muted);
  const bool toggled = ImGui::Button(label.c_str());
  ImGui::PopStyleColor(2);
  tip(ui, linked ? "Linked" : "Apart",
      linked ? "One slider for all of them. Click to set them apart." : "Click to link them again.");
  if (!toggled) return;
  ui.settings.link_knobs = !linked;
  ui.settings_changed = true;
  if (linked) return;
  const double first = ui.settle(all.front()->knob.name, all.front()->value);
  KnobSettings before, after;
  for (const auto* k : all) {
    before.emplace_back(k->knob.name, ui.settle(k->knob.name, k->value));
    after.emplace_back(k->knob.name, first);
  }
  if (before != after) set_knobs(ui, after, before);
}

}  // namespace

std::vector<const KnobView*> group_of_knobs(const DreamView& dream) {
  std::vector<const KnobView*> found;
  for (const auto& k : dream.knobs) {
    const auto& group = k.knob.group.name;
    if (!group.empty() && (found.empty() || found.front()->knob.group.name == group)) found.push_back(&k);
  }
  return found;
}

void set_knobs(Ui& ui, const KnobSettings& after, const KnobSettings& before) {
  if (!before.empty()) ui.undoable("knobs", commands(before), commands(after));
  for (const auto& [name, value] : after) {
    ui.expect(name, value);
    ui.send(SetKnob{name, value});
  }
}

std::vector<const KnobView*> choices_of(const DreamView& dream) {
  std::vector<const KnobView*> found;
  for (const auto& k : dream.knobs)
    if (!k.knob.choices.empty()) found.push_back(&k);
  return found;
}

namespace {

std::size_t chosen_in(Ui& ui, const KnobView& view) {
  const double now = ui.settle(view.knob.name, view.value);
  return std::min(static_cast<std::size_t>(std::max(0.0, now)), view.knob.choices.size() - 1);
}

/// A first choice that is also the usual one is drawn as an arrow alone.
bool goes_without_saying(const Knob& knob, std::size_t at) { return at == 0 && knob.default_value == 0; }

}  // namespace

float choice_width(Ui& ui, const KnobView& view) {
  const auto at = chosen_in(ui, view);
  const float arrow = ImGui::GetFrameHeight();
  return goes_without_saying(view.knob, at) ? arrow : arrow + ImGui::CalcTextSize(view.knob.choices[at].c_str()).x + ui.px(18);
}

void draw_choice(Ui& ui, const KnobView& view, float width) {
  const Knob& knob = view.knob;
  const auto at = chosen_in(ui, view);
  ImGui::SetNextItemWidth(width);
  if (ImGui::BeginCombo(("##" + knob.name).c_str(), knob.choices[at].c_str(), goes_without_saying(knob, at) ? ImGuiComboFlags_NoPreview : 0)) {
    text(ui.color().muted, "%s", knob.title.c_str());
    for (std::size_t i = 0; i < knob.choices.size(); ++i) {
      if (ImGui::Selectable(knob.choices[i].c_str(), i == at) && i != at)
        set_knobs(ui, {{knob.name, static_cast<double>(i)}}, {{knob.name, static_cast<double>(at)}});
    }
    ImGui::EndCombo();
  } else {
    tip(ui, (knob.title + ": " + knob.choices[at]).c_str(), knob.help.c_str());
  }
}

float world_list_width(Ui& ui, const DreamView& dream) {
  return ImGui::GetFrameHeight() + ImGui::CalcTextSize(dream.environment.c_str()).x + ui.px(18);
}

void draw_world_list(Ui& ui, const DreamView& dream, float width) {
  ImGui::SetNextItemWidth(width);
  if (ImGui::BeginCombo("##worlds", dream.environment.c_str())) {
    for (const auto& world : dream.worlds) {
      if (ImGui::Selectable(world.c_str(), world == dream.environment) && world != dream.environment)
        ui.send(OpenRun{dream.run, world});
    }
    ImGui::EndCombo();
  } else {
    tip(ui, "World", "One network acts in all of these: choose where it does so now.");
  }
}

std::vector<Control> knob_controls(Ui& ui, const DreamView& dream) {
  std::vector<Control> controls;
  if (ui.lessons->hides("knobs")) return controls;
  const auto all = group_of_knobs(dream);
  const bool linked = all.size() > 1 && ui.settings.link_knobs;
  const auto add = [&](std::vector<const KnobView*> knobs, std::string id, std::string symbol, std::string title,
                       std::string help) {
    const float least = std::max(ui.px(130), ImGui::CalcTextSize(symbol.c_str()).x + ui.px(116));
    controls.push_back({least, 0, [&ui, &dream, knobs, id, symbol, title, help](float wide) {
                          ImGui::BeginDisabled(!dream.ready);
                          draw_one(ui, knobs, id, symbol.c_str(), title, help, wide - ui.px(12));
                          ImGui::EndDisabled();
                        }});
  };
  if (linked) {
    const KnobGroup& group = all.front()->knob.group;
    std::string help = help_of(group);
    for (const auto* k : all) help += "\n" + k->knob.title + ": " + k->knob.help;
    add(all, group.name, group.symbol, group.symbol, help);
  }
  for (const auto& k : dream.knobs) {
    const bool grouped = std::ranges::find(all, &k) != all.end();
    if ((linked && grouped) || !k.knob.choices.empty()) continue;
    add({&k}, k.knob.name, k.knob.symbol, k.knob.title,
        grouped ? k.knob.help + "\n" + help_of(k.knob.group) : k.knob.help);
  }
  for (Control& each : controls)
    each.most = std::max(each.least, ui.px(480) / static_cast<float>(controls.size()));
  if (all.size() > 1)
    controls.push_back({ui.px(28), ui.px(28), [&ui, all, linked](float) { draw_link(ui, linked, all); }});
  return controls;
}

}  // namespace dream::ui
