// What was dreamt: every step with its error, its reward and its P(end), to go back to and to go on from otherwise.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>

#include "ui/panel_list.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Strip {
  const char *name, *title, *help;
  ImU32 colour;
  std::function<float(const TimelineStep&)> of;  // not a number: nothing is known there
};

std::vector<Strip> strips(const Ui& ui, const DreamView& dream) {
  const Palette& p = ui.color();
  constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
  std::vector<Strip> all;
  all.push_back({"error", "Error", "Mean squared difference of the dreamed and the real picture, per channel value.",
                 p.dream, [](const TimelineStep& s) { return s.error >= 0 && !s.real_over ? s.error : unknown; }});
  if (dream.has_reward)
    all.push_back({"reward", "Reward r", "What the model predicts that this step earns.", p.blue,
                   [](const TimelineStep& s) { return s.reward; }});
  if (dream.has_done)
    all.push_back({"P(end)", "P(end)", "The model's probability that the episode ends with this step.", p.warning,
                   [](const TimelineStep& s) { return s.done_probability; }});
  return all;
}

/// Where a step stands in a strip. The scale is the strip's own.
struct Along {
  float left, width;
  double first, last;
  float operator()(double step) const {
    return left + width * static_cast<float>((step - first) / std::max(last - first, 1.0));
  }
};

void draw_strip(const Ui& ui, const Strip& strip, const TimelineView& timeline, const Along& x, float top, float height) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  float low = 0, high = 0;
  for (const auto& step : timeline.line) {
    const float value = strip.of(step);
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  }
  const float span = std::max(high - low, 1e-6f), zero = top + height * (high / span);
  const double present = static_cast<double>(timeline.line[timeline.present].step);
  // More steps than pixels: of those that share one, the one farthest from zero is drawn.
  float at = -1, most = 0;
  bool later = false;
  const auto draw = [&] {
    if (at < 0) return;
    const float y = zero - height * most / span;
    list->AddRectFilled({at, std::min(y, zero - 1)}, {at + std::max(ui.px(1.5f), std::ceil(x(1) - x(0))), std::max(y, zero)},
                        later ? fade(strip.colour, 0.35f) : strip.colour);
  };
  for (const auto& step : timeline.line) {
    const float value = strip.of(step);
    if (!std::isfinite(value)) continue;
    const float place = std::floor(x(static_cast<double>(step.step)));
    if (place != at) draw(), at = place, most = value;
    if (std::abs(value) > std::abs(most)) most = value;
    later = static_cast<double>(step.step) > present;
  }
  draw();
  WithFont small(ui.fonts.text, 0.82f);
  char most_text[32];
  std::snprintf(most_text, sizeof most_text, "%.3g", static_cast<double>(high));
  list->AddText({x.left - ui.px(96), top + height / 2 - ImGui::GetFontSize() / 2}, ui.color().muted, strip.name);
  right_text(list, x.left - ui.px(8), top, ui.color().muted, most_text);
}

void draw_head(Ui& ui, const DreamView& dream) {
  const Palette& p = ui.color();
  const TimelineView& timeline = dream.timeline;
  action_button(ui, icon::back, "back", false, ui.px(40));
  ImGui::SameLine(0, ui.px(6));
  action_button(ui, icon::step, "step", false, ui.px(40));
  ImGui::SameLine(0, ui.px(14));
  ImGui::AlignTextToFramePadding();
  mono(ui, p.text, "step %lld of %lld", static_cast<long long>(dream.step),
       static_cast<long long>(timeline.line.back().step));
  ImGui::SameLine(0, ui.px(14));
  char kept[96];
  std::snprintf(kept, sizeof kept, "%s of %s kept", short_bytes(timeline.bytes).c_str(), short_bytes(timeline.budget).c_str());
  ImGui::AlignTextToFramePadding();
  text(p.muted, "%s", kept);
  tip(ui, "Memory", "Every step is kept until this much memory is full; then the oldest go.");
  // The newest branches first: the older ones are rarely what one looks for.
  for (std::size_t i = timeline.branches.size(); i-- > 0;) {
    const auto& branch = timeline.branches[i];
    char label[64];
    std::snprintf(label, sizeof label, "%lld – %lld###branch%lld", static_cast<long long>(branch.from_step),
                  static_cast<long long>(branch.to_step), static_cast<long long>(branch.end));
    ImGui::SameLine(0, ui.px(10));
    if (ImGui::GetContentRegionAvail().x < ui.px(110)) break;
    if (button(ui, label, "Branch", "Another way that this dream went, from one step to another. Click to go to its end.",
               {.small = true}))
      ui.send(GoTo{branch.end});
  }
}

}  // namespace

void draw_timeline(const Snapshot& snapshot, Ui& ui) {
  const DreamView& dream = *snapshot.dream;
  const TimelineView& timeline = dream.timeline;
  const ImVec2 min = ImGui::GetCursorScreenPos(), space = ImGui::GetContentRegionAvail();
  if (!dream.ready || timeline.line.empty())
    return centred_note(ui, min, {min.x + space.x, min.y + space.y},
                        "Every step of a dream stays here, to go back to. Open a run to begin one.");
  draw_head(ui, dream);
  const auto shown = strips(ui, dream);
  const float room = std::max(ImGui::GetContentRegionAvail().y - ui.px(4), ui.px(20));
  const Well box = well(ui, "timeline", {ImGui::GetContentRegionAvail().x, room});
  const float label = ui.px(104);
  const auto first = static_cast<double>(timeline.line.front().step);
  constexpr double least = 60;  // steps that the strip spans: a dream of three is three bars, not three walls
  const Along x{box.min.x + label, box.width() - label - ui.px(10), first,
                std::max(static_cast<double>(timeline.line.back().step) + 1, first + least)};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float gap = ui.px(5), height = (box.height() - gap) / static_cast<float>(shown.size()) - gap;
  const auto over = std::ranges::find(timeline.line, true, &TimelineStep::real_over);
  if (over != timeline.line.end() && !dream.recorded) {
    const float left = x(static_cast<double>(over->step));
    list->AddRectFilled({left, box.min.y}, {x.left + x.width, box.max.y}, fade(ui.color().muted, 0.12f));
    WithFont small(ui.fonts.text, 0.82f);
    char note[64];
    std::snprintf(note, sizeof note, "reality ended at step %lld", static_cast<long long>(over->step));
    list->AddText({left + ui.px(6), box.min.y + ui.px(3)}, ui.color().muted, note);
  }
  for (std::size_t i = 0; i < shown.size(); ++i)
    draw_strip(ui, shown[i], timeline, x, box.min.y + gap + static_cast<float>(i) * (height + gap), height);
  for (std::size_t i = 0; i < timeline.line.size();) {  // untrusted time is shaded
    if (!timeline.line[i].untrusted || timeline.line[i].real_over) {
      ++i;
      continue;
    }
    const auto begins = i;
    while (i < timeline.line.size() && timeline.line[i].untrusted && !timeline.line[i].real_over) ++i;
    list->AddRectFilled({x(static_cast<double>(timeline.line[begins].step)), box.min.y},
                        {x(static_cast<double>(timeline.line[i - 1].step) + 1), box.max.y}, fade(ui.color().warning, 0.10f));
  }
  for (const auto& step : timeline.line) {
    if (!step.anchored) continue;
    const float at = x(static_cast<double>(step.step)), wide = ui.px(4);
    list->AddTriangleFilled({at - wide, box.min.y}, {at + wide, box.min.y}, {at, box.min.y + 1.5f * wide}, ui.color().real);
  }
  const float present = x(static_cast<double>(timeline.line[timeline.present].step));
  list->AddLine({present, box.min.y}, {present, box.max.y}, ui.color().text, ui.px(1.5f));
  if (!box.hovered && !box.active) return;
  const double wanted = x.first + (static_cast<double>(ImGui::GetMousePos().x) - static_cast<double>(x.left)) /
                                      static_cast<double>(x.width) * (x.last - x.first);
  const auto index = static_cast<std::size_t>(std::clamp(std::round(wanted - x.first), 0.0,
                                                         static_cast<double>(timeline.line.size() - 1)));
  const TimelineStep& step = timeline.line[index];
  if (box.active && step.id != timeline.line[timeline.present].id) ui.send(GoTo{step.id});
  if (ImGui::BeginTooltip()) {
    mono(ui, ui.color().text, "step %lld", static_cast<long long>(step.step));
    for (const auto& strip : shown) {
      const float value = strip.of(step);
      if (std::isfinite(value)) mono(ui, ui.color().muted, "%-7s %.4g", strip.name, static_cast<double>(value));
    }
    if (step.untrusted && !step.real_over)
      text(ui.color().warning, "a still picture has been nearer to the real one since");
    text(ui.color().muted, "drag to rewind; Space goes on from there");
    ImGui::EndTooltip();
  }
}

}  // namespace dream::ui
