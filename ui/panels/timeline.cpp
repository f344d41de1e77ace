// What was dreamt: every step with its error, its reward and its P(end), to go back to and to go on from otherwise.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>

#include "ui/panel_list.h"
#include "ui/pictures.h"
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
  if (!dream.has_model) return {{"reward", "Reward r", "What this step earned in the real world.", p.real, [](const TimelineStep& s) { return s.reward; }}};
  all.push_back({"error", "Error", "Mean squared difference of the dreamed and the real picture, per channel value.",
                 p.dream, [](const TimelineStep& s) { return s.error >= 0 && !s.real_over ? s.error : unknown; }});
  if (dream.has_reward)
    all.push_back({"reward", "Reward r", "What the model predicts that this step earns.", p.blue,
                   [](const TimelineStep& s) { return s.reward; }});
  if (dream.has_done)
    all.push_back({"P(end)", "P(end)", "The model's probability that the episode ends with this step.", p.warning,
                   [](const TimelineStep& s) { return s.done_probability; }});
  if (std::ranges::any_of(dream.timeline.line, [](const TimelineStep& s) { return std::isfinite(s.surprise); }))
    all.push_back({"surprise", "Surprise", "How much the real frame told that the model had not predicted, nats.", p.real,
                   [](const TimelineStep& s) { return s.real_over ? unknown : s.surprise; }});
  return all;
}

/// Where a step stands in a strip. The scale is the strip's own.
struct Along {
  float left, width;
  double first, last;
  float operator()(double step) const {
    return left + width * static_cast<float>((step - first) / std::max(last - first, 1.0));
  }
  double step_at(float place) const {
    return first + static_cast<double>(place - left) / static_cast<double>(width) * (last - first);
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
  const auto farthest = static_cast<double>(std::abs(low) > std::abs(high) ? low : high);
  std::snprintf(most_text, sizeof most_text, std::abs(farthest) < 100 ? "%.2g" : "%.0f", farthest);
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
  if (dream.following > 0) {
    ImGui::SameLine(0, ui.px(14));
    text(p.dream, "following a branch: %lld steps to come", static_cast<long long>(dream.following));
  } else if (dream.compared_with != 0) {
    ImGui::SameLine(0, ui.px(14));
    if (button(ui, "compare no more", "Compare", "Takes the other branch's pictures away.", {.small = true}))
      ui.send(CompareWith{});
  }
}

/// As many pictures of the line as fit beside each other, each where its step is.
void draw_thumbnails(Ui& ui, const DreamView& dream, const Along& x, float top, float height) {
  const auto& line = dream.timeline.line;
  const float aspect = dream.spaces.image_height > 0 ? static_cast<float>(dream.spaces.image_width) /
                                                           static_cast<float>(dream.spaces.image_height)
                                                     : 1;
  const float width = height * aspect, gap = ui.px(3);
  ImDrawList* list = ImGui::GetWindowDrawList();
  std::size_t slot = 0;
  for (float left = x.left; left + width <= x.left + x.width; left += width + gap, ++slot) {
    // The step in the middle of this place.
    const double wanted = x.step_at(left + width / 2) - x.first;
    const auto at = static_cast<std::size_t>(std::max(wanted, 0.0));
    if (wanted < 0 || at >= line.size()) break;
    if (!line[at].picture) continue;
    draw_image(ui, "timeline/" + std::to_string(slot), line[at].picture, {left, top}, {left + width, top + height});
    if (at > dream.timeline.present) list->AddRectFilled({left, top}, {left + width, top + height}, fade(ui.color().well, 0.55f));
  }
  WithFont small(ui.fonts.text, 0.82f);
  list->AddText({x.left - ui.px(96), top + height / 2 - ImGui::GetFontSize() / 2}, ui.color().muted, "frames");
}

void branch_menu(Ui& ui, const DreamView& dream, const TimelineBranch& branch) {
  const auto item = [&](const char* label, const char* help, Command command) {
    if (ImGui::MenuItem(label)) ui.send(std::move(command));
    tip(ui, label, help);
  };
  item("go to its end", "Hold still there; what is dreamt from there on goes on with it.", GoTo{branch.end});
  if (ImGui::MenuItem("compare with it")) {
    ui.send(CompareWith{branch.end});
    if (dream.step <= branch.from_step || dream.step > branch.to_step)  // there is nothing of it here: to the first step that it has
      for (const TimelineStep& step : dream.timeline.line)
        if (step.step == branch.from_step + 1) ui.send(GoTo{step.id});
  }
  tip(ui, "compare with it", "Its picture of every step, and the difference, beside this dream's.");
  if (dream.step >= branch.from_step && dream.step < branch.to_step)
    item("take its actions from here on", "The same actions, whatever they lead to now: after another draw, knob or latent.",
         Follow{branch.end});
}

/// The line and the branches that leave it, the newest first: a click goes to the end of one, a right click asks what else.
/// Gives whether the mouse is on one.
bool draw_branches(Ui& ui, const DreamView& dream, const Along& x, float top, float height) {
  const Palette& p = ui.color();
  const auto& timeline = dream.timeline;
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float row = ui.px(13), thick = ui.px(3);
  const auto fits = static_cast<std::size_t>(std::max(height / row - 1, 0.0f));
  const auto count = std::min(timeline.branches.size(), fits);
  bool touched = false;
  const float line_y = top + row / 2;
  list->AddLine({x.left, line_y}, {x(static_cast<double>(timeline.line.back().step)), line_y}, p.dream, thick);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& branch = timeline.branches[timeline.branches.size() - 1 - i];
    const float y = line_y + static_cast<float>(i + 1) * row;
    const float from = x(static_cast<double>(branch.from_step)),
                to = std::max(x(static_cast<double>(branch.to_step)), from + ui.px(14));
    const float bend = std::min(ui.px(14), to - from);
    ImGui::SetCursorScreenPos({from, y - row / 2});
    ImGui::InvisibleButton(("###branch" + std::to_string(branch.end)).c_str(), {to - from, row});
    const bool hovered = ImGui::IsItemHovered(), compared = branch.end == dream.compared_with;
    touched = touched || hovered || ImGui::IsItemActive();
    const ImU32 colour = compared ? p.warning : i % 2 == 0 ? p.blue : p.real;
    list->AddBezierCubic({from, line_y}, {from + bend, line_y}, {from, y}, {from + bend, y}, colour, hovered ? thick : ui.px(2));
    list->AddLine({from + bend, y}, {to, y}, colour, hovered ? thick : ui.px(2));
    list->AddCircleFilled({from, line_y}, ui.px(4), p.text);
    if (ImGui::IsItemClicked()) ui.send(GoTo{branch.end});
    if (ImGui::BeginPopupContextItem()) {
      branch_menu(ui, dream, branch);
      ImGui::EndPopup();
    } else if (hovered && ImGui::BeginTooltip()) {
      text(p.text, "branch: steps %lld to %lld", static_cast<long long>(branch.from_step),
           static_cast<long long>(branch.to_step));
      const ImVec2 at = ImGui::GetCursorScreenPos();
      const float side = ui.px(96);
      if (draw_image(ui, "branch end", branch.picture, at, {at.x + side, at.y + side})) ImGui::Dummy({side, side});
      text(p.muted, "click: go to its end; right click: compare, or take its actions");
      ImGui::EndTooltip();
    }
  }
  WithFont small(ui.fonts.text, 0.82f);
  list->AddText({x.left - ui.px(96), top}, p.muted, "branches");
  if (timeline.branches.size() > count) {
    const std::string more = "+" + std::to_string(timeline.branches.size() - count);
    right_text(list, x.left - ui.px(8), top, p.muted, more.c_str());
  }
  return touched;
}

/// The other line beside the dream, and what differs.
void draw_comparison(Ui& ui, const DreamView& dream, ImVec2 at, float side) {
  const auto one = [&](const char* name, const char* title) {
    const Frame* frame = find_frame(dream.frames, name);
    ImGui::SetCursorScreenPos(at);
    draw_picture(ui, name, dream.frames, frame, title, {side, side}, frame ? frame->caption : "");
    at.x += side + ui.px(12);
  };
  one("branch", "branch");
  one("branch difference", "difference");
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
  auto shown = strips(ui, dream);
  const float room = std::max(ImGui::GetContentRegionAvail().y - ui.px(4), ui.px(20));
  const bool compares = dream.compared_with != 0 && ImGui::GetContentRegionAvail().x > ui.px(700);
  const float side = compares ? std::floor(room - caption_height(ui)) : 0;
  const ImVec2 corner = ImGui::GetCursorScreenPos();
  ImGui::SetNextItemAllowOverlap();  // the branches lie on it
  const Well box = well(ui, "timeline", {ImGui::GetContentRegionAvail().x - (compares ? 2 * side + ui.px(28) : 0), room});
  if (compares) draw_comparison(ui, dream, {box.max.x + ui.px(16), corner.y}, side);
  const float label = ui.px(104);
  const auto first = static_cast<double>(timeline.line.front().step);
  auto last = static_cast<double>(timeline.line.back().step);  // of the line, or of the longest branch
  for (const auto& branch : timeline.branches) last = std::max(last, static_cast<double>(branch.to_step));
  constexpr double least = 60;  // steps that the strip spans: a dream of three is three bars, not three walls
  const Along x{box.min.x + label, box.width() - label - ui.px(10), first,
                std::max(last + 1, first + least)};
  ImDrawList* list = ImGui::GetWindowDrawList();
  // From above: pictures where there is room for them, the strips, the branches.
  const float gap = ui.px(5), least_strip = ui.px(16);
  const auto branch_rows = static_cast<float>(std::min<std::size_t>(timeline.branches.size(), 3));
  const float branches = timeline.branches.empty() ? 0 : ui.px(13) * (branch_rows + 1);
  const float needed = static_cast<float>(shown.size()) * (least_strip + gap) + gap + (branches > 0 ? branches + gap : 0);
  const float thumbs = std::min(box.height() - needed, ui.px(64));
  const float pictures = thumbs >= ui.px(24) ? thumbs : 0;
  const float strips_top = box.min.y + gap + (pictures > 0 ? pictures + gap : 0);
  const float strips_room = box.max.y - strips_top - (branches > 0 ? branches + gap : 0);
  const auto fitting = static_cast<std::size_t>(std::max(strips_room / (ui.px(13) + gap), 1.0f));
  if (shown.size() > fitting) shown.resize(fitting);  // the first ones matter most
  const float height = strips_room / static_cast<float>(shown.size()) - gap;
  if (pictures > 0) draw_thumbnails(ui, dream, x, box.min.y + gap, pictures);
  const auto over = std::ranges::find(timeline.line, true, &TimelineStep::real_over);
  if (over != timeline.line.end() && !dream.recorded) {
    const float left = x(static_cast<double>(over->step));
    list->AddRectFilled({left, box.min.y}, {x.left + x.width, box.max.y}, fade(ui.color().muted, 0.12f));
    WithFont small(ui.fonts.text, 0.82f);
    char note[64];
    std::snprintf(note, sizeof note, "reality ended at step %lld", static_cast<long long>(over->step));
    const float wide = ImGui::CalcTextSize(note).x + ui.px(6);
    if (left + wide < box.max.x) {  // else the shade alone; the step's tooltip says it
      const ImVec2 at{left + ui.px(6), box.min.y + ui.px(3)};  // on pictures too
      list->AddRectFilled({at.x - ui.px(4), at.y - ui.px(2)}, {at.x + wide, at.y + ImGui::GetFontSize() + ui.px(2)}, fade(ui.color().well, 0.85f), ui.px(3));
      list->AddText(at, ui.color().muted, note);
    }
  }
  for (std::size_t i = 0; i < shown.size(); ++i)
    draw_strip(ui, shown[i], timeline, x, strips_top + static_cast<float>(i) * (height + gap), height);
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
  const bool on_branch = branches > 0 && draw_branches(ui, dream, x, box.max.y - branches, branches);
  if ((!box.hovered && !box.active) || on_branch) return;
  const double wanted = x.step_at(ImGui::GetMousePos().x);
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
    if (step.real_over && !dream.recorded) text(ui.color().muted, "the real episode had ended");
    if (step.untrusted && !step.real_over)
      text(ui.color().warning, "a still picture has been nearer to the real one since");
    text(ui.color().muted, "drag to rewind; Space goes on from there");
    ImGui::EndTooltip();
  }
}

}  // namespace dream::ui
