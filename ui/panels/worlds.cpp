// The hero: the dream large, the real world, the reconstruction and the difference beside it, the figures of this
// step, and below them the hands: keys, transport and temperature.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "ui/coupling.h"
#include "ui/lesson/lesson_runner.h"
#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/places.h"
#include "ui/transport.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

std::string why_no_dream(const DreamView& dream, const Frame* hero) {
  if (!dream.ready && !dream.opening.empty()) return "Opening " + dream.opening + " …";
  if (!dream.ready) return "No dream yet. Open a run (Runs, below) or drop its folder on this window.";
  return hero ? "Nothing to see: " + hero->caption + "." : "The first frame is on its way.";
}

void row(const Ui& ui, const char* label, const char* format, double value, const char* unit = "") {
  char line[64];
  std::snprintf(line, sizeof line, format, value);
  if (line[0] == '-' && std::strtod(line, nullptr) == 0) line[0] = ' ';  // nothing is 0, not -0
  ImGui::BeginGroup();  // what is said of a row, and points at it, is of all of it
  mono(ui, ui.color().muted, "%-8.8s", label);
  ImGui::SameLine(0, 0);
  mono(ui, ui.color().text, "%8s", line);
  ImGui::SameLine(0, ui.px(5));
  mono(ui, ui.color().muted, "%s", unit);
  ImGui::EndGroup();
}

/// How long this stretch has been nearer to the truth than a picture that stands still, and how long others were.
void draw_honesty(Ui& ui, const HonestyClock& clock) {
  const Palette& p = ui.color();
  char text[48] = "·";
  if (clock.known) std::snprintf(text, sizeof text, "%lld", static_cast<long long>(clock.now));
  ImGui::BeginGroup();
  mono(ui, p.muted, "%-7s", "honest");
  ImGui::SameLine(0, 0);
  mono(ui, clock.over ? p.warning : p.text, " %8s", text);
  ImGui::SameLine(0, ui.px(5));
  mono(ui, p.muted, "%s", !clock.known ? "" : !clock.over ? "so far" : clock.now == 1 ? "step" : "steps");
  ImGui::EndGroup();
  tip(ui, "Honesty clock",
      "Steps since the last real frame until that frame, standing still, would have missed less of the last few than the dream did. "
      "Amber: this stretch is past it. Below: over all stretches that you have watched, the first step at which a still picture is nearer "
      "in the mean, from the third on. A > stands where none is nearer yet. The Lab asks the same of episodes that no training has seen: How long "
      "is it true?");
  mono(ui, p.muted, "%-7s %8s", "usually", clock.stretches > 0 ? usual_text(clock).c_str() : "·");
  if (clock.stretches == 0) return;
  ImGui::SameLine(0, ui.px(5));
  mono(ui, p.muted, "of %lld", static_cast<long long>(clock.stretches));
}

void draw_step(Ui& ui, const DreamView& dream, float width) {
  const Palette& p = ui.color();
  char number[32];
  std::snprintf(number, sizeof number, "%lld", static_cast<long long>(dream.step));
  header(ui, "Step", p.text, number, width);
  const std::vector<std::string>& axes = dream.spaces.action.axes;
  if (dream.spaces.action.discrete()) {
    const std::size_t chosen = dream.action.empty() ? 0 : static_cast<std::size_t>(std::max(dream.action[0], 0.0f));
    const auto& choices = dream.spaces.action.choices;
    mono(ui, p.muted, "action  %s", chosen < choices.size() ? choices[chosen].c_str() : "·");
  }
  for (std::size_t i = 0; i < axes.size() && !dream.spaces.action.discrete(); ++i)
    row(ui, axes[i].c_str(), "%+.2f", i < dream.action.size() ? static_cast<double>(dream.action[i]) : 0.0);
  if (dream.has_done) {
    row(ui, "P(end)", "%.4f", static_cast<double>(dream.done_probability));
    tip(ui, "P(end)", "The model's probability that the episode ends with this step.");
  }
  if (dream.playing && dream.measured_rate > 0)
    row(ui, "rate", "%.1f", static_cast<double>(dream.measured_rate), "steps/s");
  else
    mono(ui, p.muted, "%-7s %8s", "rate", dream.ready && !dream.playing ? "paused" : " ·");
}

void draw_comparison(Ui& ui, const DreamView& dream, float width) {
  const Palette& p = ui.color();
  header(ui, "Twin", p.text,
         !dream.away.empty() ? "its world is not here"
         : dream.recorded ? "the frame it began at"
         : dream.twin   ? "under the same actions"
                        : "off",
         width);
  if (!dream.away.empty()) tip(ui, "The real world", dream.away.c_str());
  const Frame* difference = find_frame(dream.frames, "difference");
  if (dream.twin && difference && difference->error >= 0)
    row(ui, "MSE", "%.4f", difference->error);
  else
    mono(ui, p.muted, "%-7s %8s", "MSE", "·");
  tip(ui, "Pixel MSE", "Mean squared difference of dream and real picture, per channel value in [0, 1].");
  draw_honesty(ui, dream.honesty);
  if (dream.has_reward)
    row(ui, "reward", "%.1f", dream.dream_reward, "dream");
  else
    mono(ui, p.muted, "%-7s %8s", "reward", "·");
  tip(ui, "Reward", "Sum since the start: what the model predicts, and what the real world gave.");
  if (dream.twin && !dream.recorded)
    row(ui, "", "%.1f", dream.real_reward, "real");
  else
    mono(ui, p.muted, "%-7s %8s", "", "·");
}

void draw_game(Ui& ui, const DreamView& dream, float width) {
  header(ui, "Game", ui.color().text, dream.hands_on ? "you drive" : dream.has_behaviour ? "the agent drives" : "nobody drives", width);
  row(ui, "score", "%.1f", ui.game.score());
  tip(ui, "Score",
      dream.has_reward ? "The reward that the model predicts, summed since the start."
                       : "The reward of the real world, summed since the start.");
  const auto best = ui.settings.best.find(world_of(dream));
  if (best == ui.settings.best.end())
    mono(ui, ui.color().muted, "%-7s %8s", "best", "·");
  else
    row(ui, "best", "%.1f", best->second);
  tip(ui, "Your best", "The highest score in this world of an episode in which you drove.");
}

void draw_costs(Ui& ui, const DreamView& dream, float width) {
  char limit[48];
  const bool over = std::max(dream.dream_cost, dream.real_cost) > dream.cost_limit;
  std::snprintf(limit, sizeof limit, "an episode may cost %.3g", dream.cost_limit);
  header(ui, "Cost", over ? ui.color().warning : ui.color().text, limit, width);
  if (dream.has_cost)
    row(ui, "cost", "%.1f", dream.dream_cost, "dream");
  else
    mono(ui, ui.color().muted, "%-7s %8s", "cost", "·");
  tip(ui, "Cost", "Sum since the start: what the model predicts, and what the real world took.");
  if (dream.twin && !dream.recorded)
    row(ui, "", "%.1f", dream.real_cost, "real");
  else
    mono(ui, ui.color().muted, "%-7s %8s", "", "·");
}

/// A heading with lines of figures below it.
struct FigureGroup {
  int lines = 0;
  void (*draw)(Ui&, const DreamView&, float width) = nullptr;
};

std::vector<FigureGroup> figure_groups(const Ui& ui, const DreamView& dream) {
  const int action = dream.spaces.action.discrete() ? 1 : static_cast<int>(dream.spaces.action.axes.size());
  std::vector<FigureGroup> groups{{action + (dream.has_done ? 2 : 1), draw_step}};
  if (dream.has_model || !dream.ready) groups.push_back({5, draw_comparison});
  if (dream.cost_limit >= 0) groups.insert(groups.begin(), {2, draw_costs});
  if (ui.game.scores()) groups.insert(groups.begin(), {2, draw_game});
  if (ui.lessons->current()) std::ranges::reverse(groups);  // what a lesson points at has room before the score
  return groups;
}

/// Draws the groups from `first` on that fit, the gap between them included; returns which one does not.
std::size_t draw_groups(Ui& ui, const DreamView& dream, const std::vector<FigureGroup>& groups, std::size_t first,
                        ImVec2 size) {
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ui.px(8), ui.px(3)});
  float used = 0;
  for (; first < groups.size(); ++first) {
    const float height = ImGui::GetTextLineHeight() + ui.px(3) +
                         static_cast<float>(groups[first].lines) * (0.9f * ImGui::GetFontSize() + ui.px(3));
    if (used + height > size.y) break;
    groups[first].draw(ui, dream, size.x);
    ImGui::Dummy({0, ui.px(6)});
    used += height + ui.px(12);
  }
  ImGui::PopStyleVar();
  return first;
}

/// Where the dream began at a picture: the picture as it was cropped, and what the model made of it, in full light.
std::vector<Frame> from_picture(const DreamView& dream) {
  constexpr std::string_view source = "picture ";
  const Frame *now = find_frame(dream.frames, "dream"), *crop = find_frame(dream.frames, "real"),
              *made = find_frame(dream.frames, "reconstruction");
  if (!dream.source.starts_with(source) || !dream.recorded || !now || !crop || !crop->image) return {};
  std::vector<Frame> all{*now, *crop};
  all[0].caption = counted(dream.step, "step") + " since your picture";
  all[1].name = "picture";
  all[1].caption = std::filesystem::path(dream.source.substr(source.size())).filename().string() + ", cropped to " +
                   std::to_string(crop->image->width) + " × " + std::to_string(crop->image->height);
  if (made) all.push_back(*made), all.back().caption = "what the encoder made of your picture";
  for (Frame& frame : all) frame.past = false;
  return all;
}

/// In a world with goals, where the picture that was just drawn is clicked, the agent is to come.
void aim_by_click(Ui& ui, ImVec2 size) {
  const ImVec2 end = ImGui::GetItemRectMax(), mouse = ImGui::GetMousePos();
  const float x = 1 - (end.x - mouse.x) / size.x, y = 1 - (end.y - mouse.y) / size.y;
  if (x < 0 || x > 1 || y < 0 || y > 1 || !ImGui::IsItemHovered()) return;
  ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  if (ImGui::IsMouseClicked(ImGuiMouseButton_Left)) ui.send(SetGoal{x, y});
}

ImVec2 on_screen(ImVec2 origin, const Place& place) {
  return {origin.x + place.x, origin.y + place.y};
}

/// Where nothing is dreamt: what the agent has in mind first, beside the world that it acts in, as large as there is room.
void draw_first_thought(Ui& ui, const DreamView& dream, ImVec2 origin, const Places& places, const Room& room) {
  const Probe* there = dream.probe_names.empty() ? nullptr : wanted_probe(ui, dream, dream.probe_names.front());
  if (!there) return;
  const Probe& probe = *there;
  const float left = places.dream.right() + room.gap, right = places.figures.shown() ? places.figures.x - room.gap : room.width;
  ImGui::SetCursorScreenPos({origin.x + left, origin.y});
  ImGui::BeginChild("thought", {right - left, places.dream.bottom()}, 0, ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse);
  header(ui, probe.title, ui.color().text, note_of(probe), right - left);
  tip(ui, probe.title.c_str(), probe.caption.c_str());
  draw_value(ui, probe, {right - left, std::floor(places.dream.bottom() - ImGui::GetCursorPosY())});
  ImGui::EndChild();
}

}  // namespace

void draw_worlds(const Snapshot& snapshot, Ui& ui) {
  const DreamView& dream = *snapshot.dream;
  const Frame* hero = find_frame(dream.frames, "dream");
  const ImVec2 space = ImGui::GetContentRegionAvail(), origin = ImGui::GetCursorScreenPos();
  const Hands hands = hands_for(ui, dream, space);
  const bool alone = dream.ready && !dream.has_model;  // there is one world, and it stands large
  Room room{.width = space.x,
            .height = space.y - hands.height - ui.px(10),
            .caption = caption_height(ui),
            .gap = ui.px(16),
            .least = ui.px(84),
            .coupling = alone ? 0 : ImGui::GetFrameHeight(),
            .figures = ui.px(196),
            .small = !alone,
            .given_up = workspace(ui.settings.workspace).dream_gives};
  if (hero && hero->image)
    room.frame_width = hero->image->width, room.frame_height = hero->image->height;
  else if (dream.spaces.image_width > 0 && dream.spaces.image_height > 0)
    room.frame_width = dream.spaces.image_width, room.frame_height = dream.spaces.image_height;
  Places places = arrange(room);
  if (alone && places.figures.shown()) places.figures = {room.width - room.figures, 0, room.figures, room.height};

  const std::string no_twin = !dream.ready ? "The real world, stepped beside the dream."
                              : dream.twin ? "The real world is on its way."
                                           : "The twin is off: the real world is not stepped.";
  const std::vector<Frame> painting = ui.brush.frames(dream), picture = from_picture(dream);
  std::vector<Frame> frames = painting;  // of one name, the first is shown
  for (const auto* more : {&picture, &dream.frames})
    for (const Frame& frame : *more)
      if (!find_frame(frames, frame.name)) frames.push_back(frame);
  struct Shown {
    const char* name;
    Place place;
    std::string why_missing;
  };
  const bool aims = dream.spaces.goals && dream.has_model;
  std::vector<Shown> pictures = {{"dream", places.dream, why_no_dream(dream, hero)},
                                 {picture.empty() ? "real" : "picture", places.real, no_twin},
                                 {aims ? "goal" : "reconstruction", places.reconstruction,
                                  aims ? "Click in the dream or the real world: there it is to come."
                                       : "What the model makes of the real frame."},
                                 {painting.empty() ? "difference" : "painted", places.difference, "Dream − real."}};
  if (alone) pictures = {{"real", places.dream, no_twin}};
  if (alone && places.real.shown()) draw_first_thought(ui, dream, origin, places, room);
  for (const Shown& shown : pictures) {
    if (!shown.place.shown()) continue;
    const ImVec2 at = on_screen(origin, shown.place);
    ImGui::SetCursorScreenPos({at.x, at.y - room.caption});
    const ImVec2 size{shown.place.width, shown.place.height};
    if (&shown == pictures.data() && ui.brush.active())
      ui.brush.draw_canvas(ui, size);
    else
      draw_picture(ui, shown.name, frames, find_frame(frames, shown.name), shown.name, size, shown.why_missing);
    if (aims && dream.ready && !ui.brush.active() && (&shown == pictures.data() || std::string_view(shown.name) == "real"))
      aim_by_click(ui, size);
  }
  if (places.coupling.shown()) {
    ImGui::SetCursorScreenPos(on_screen(origin, places.coupling));
    draw_coupling(ui, dream, places.coupling.width);
  }
  const std::vector<FigureGroup> groups = figure_groups(ui, dream);
  std::size_t hidden = 0;  // the first group of figures that has no room
  float bottom = 0;        // of what stands above the hands
  if (places.figures.shown()) {
    const ImVec2 size{std::min(places.figures.width, ui.px(230)), places.figures.height};
    ImGui::SetCursorScreenPos(on_screen(origin, places.figures));
    ImGui::BeginChild("figures", size, 0, ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse);
    hidden = draw_groups(ui, dream, groups, 0, size);
    bottom = ImGui::GetCursorPosY();
    ImGui::EndChild();
  }

  const auto behind = [&] {
    bool first = true;
    for (const Shown& shown : pictures) {
      if (shown.place.shown()) continue;
      if (!std::exchange(first, false)) ImGui::SameLine(0, room.gap);
      const float scale = std::max(ui.px(128) / static_cast<float>(room.frame_width), 1.0f);
      draw_picture(ui, shown.name, frames, find_frame(frames, shown.name), shown.name,
                   {scale * static_cast<float>(room.frame_width), scale * static_cast<float>(room.frame_height)},
                   shown.why_missing);
    }
    if (!alone && !places.coupling.shown()) draw_coupling(ui, dream, ui.px(300));
    draw_groups(ui, dream, groups, hidden, {ui.px(230), 1e6f});
  };
  const bool hides = hidden < groups.size() || (!alone && (!places.difference.shown() || !places.coupling.shown()));
  for (const Place& place : {places.dream, places.real, places.coupling, places.reconstruction, places.difference})
    bottom = std::max(bottom, place.bottom());
  ImGui::SetCursorScreenPos({origin.x, origin.y + std::min(bottom + ui.px(10), space.y - hands.height)});
  if (ui.brush.active()) return ui.brush.draw_tools(ui, space.x, hands.rows);
  draw_transport(ui, dream, hands, space.x, hides ? std::function<void()>(behind) : std::function<void()>());
}

}  // namespace dream::ui
