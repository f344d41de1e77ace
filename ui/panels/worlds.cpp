// The hero: the dream large, the real world, the reconstruction and the difference beside it, the figures of this
// step, and below them the hands: keys, transport and temperature.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ui/coupling.h"
#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/transport.h"
#include "ui/viewers/viewer.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

struct Places {
  float hero = 0, real = 0, small = 0;  // scales of the pictures
  bool stacked = false;                 // the three others in a row below the hero instead of beside it
  float figures = 0;                    // width of the column of figures; 0: no room
};

float whole(float scale) {
  return scale >= 1 ? std::floor(scale) : std::max(scale, 0.0f);
}

/// The hero at the left, the real world beside it, the two others below that: no taller than the hero.
Places beside(const Ui& ui, float w, float h, ImVec2 space, float figures) {
  const float gap = ui.px(16), caption = caption_height(ui), least = ui.px(100);
  Places best;
  for (float hero = whole(std::min((space.y - caption) / h, (space.x - figures - 2 * gap) / w * 0.66f)); hero > 0.2f;
       hero -= hero > 1 ? 1 : 0.1f) {
    const float rest = space.x - hero * w - gap - (figures > 0 ? figures + gap : 0);
    for (float real = whole(std::min({rest / w, hero * 0.67f, (hero * h - 2 * caption) / h})); real > 0.2f;
         real -= real > 1 ? 1 : 0.1f) {
      const float small =
          whole(std::min({(rest - gap) / 2 / w, real * 0.75f, (hero * h - real * h - caption - gap) / h}));
      if (small * w >= least) return {hero, real, small, false, figures};
      if (small > best.small * 1.01f) best = {hero, real, small, false, figures};
    }
    if (best.small >= 1 && hero < 4) break;
  }
  return best;
}

/// The hero on top, the three others in a row below it: for narrow, tall places.
Places below(const Ui& ui, float w, float h, ImVec2 space, float figures) {
  const float gap = ui.px(16), caption = caption_height(ui);
  const float small = whole(std::max(ui.px(110) / w, std::min((space.x - 2 * gap) / 3 / w, space.y * 0.24f / h)));
  const float hero = whole(
      std::min((space.y - small * h - 2 * caption - ui.px(10)) / h, (space.x - (figures > 0 ? figures + gap : 0)) / w));
  return {hero, small, small, true, figures};
}

/// Sizes at integer scales, the hero as large as can be.
Places arrange(const Ui& ui, int width, int height, ImVec2 space) {
  const float w = static_cast<float>(width), h = static_cast<float>(height);
  const float figures = space.x > ui.px(560) ? ui.px(196) : 0;
  const Places row = beside(ui, w, h, space, figures), stack = below(ui, w, h, space, figures);
  const auto worth = [](const Places& places) { return places.hero + 0.5f * places.small + 0.2f * places.real; };
  return row.small <= 0 || worth(stack) > worth(row) ? stack : row;
}

std::string why_no_dream(const DreamView& dream, const Frame* hero) {
  if (!dream.ready) return "No dream yet. Open a run (Runs, below) or drop its folder on this window.";
  return hero ? "Nothing to see: " + hero->caption + "." : "The first frame is on its way.";
}

void row(const Ui& ui, const char* label, const char* format, double value, const char* unit = "") {
  char line[64];
  std::snprintf(line, sizeof line, format, value);
  if (line[0] == '-' && std::strtod(line, nullptr) == 0) line[0] = ' ';  // nothing is 0, not -0
  mono(ui, ui.color().muted, "%-7.7s", label);
  ImGui::SameLine(0, 0);
  mono(ui, ui.color().text, " %8s", line);
  ImGui::SameLine(0, ui.px(5));
  mono(ui, ui.color().muted, "%s", unit);
}

/// How long this stretch has been nearer to the truth than a picture that stands still, and how long others were.
void draw_honesty(Ui& ui, const HonestyClock& clock) {
  const Palette& p = ui.color();
  char text[48] = "·";
  if (clock.known) std::snprintf(text, sizeof text, "%lld", static_cast<long long>(clock.now));
  mono(ui, p.muted, "%-7s", "honest");
  ImGui::SameLine(0, 0);
  mono(ui, clock.over ? p.warning : p.text, " %8s", text);
  ImGui::SameLine(0, ui.px(5));
  mono(ui, p.muted, "%s", !clock.known ? "" : !clock.over ? "so far" : clock.now == 1 ? "step" : "steps");
  tip(ui, "Honesty clock",
      "Steps since the last real frame until a picture that stands still is nearer to the real one than the dream. "
      "Amber: this stretch is past it. Below: the mean of this run's stretches.");
  std::snprintf(text, sizeof text, "%.1f", clock.mean);
  mono(ui, p.muted, "%-7s %8s", "", clock.stretches > 0 ? text : "·");
  if (clock.stretches == 0) return;
  ImGui::SameLine(0, ui.px(5));
  mono(ui, p.muted, "± %.1f", clock.deviation);
}

void draw_figures(Ui& ui, const DreamView& dream, float width) {
  const Palette& p = ui.color();
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ui.px(8), ui.px(3)});
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
    row(ui, "P(done)", "%.4f", static_cast<double>(dream.done_probability));
    tip(ui, "P(done)", "The model's probability that the episode ends with this step.");
  }
  if (dream.playing)
    row(ui, "rate", "%.1f", static_cast<double>(dream.measured_rate), "steps/s");
  else
    mono(ui, p.muted, "%-7s %8s", "rate", dream.ready ? "paused" : " ·");
  ImGui::Dummy({0, ui.px(6)});

  header(ui, "Twin", p.text,
         dream.recorded ? "the frame it began at"
         : dream.twin   ? "under the same actions"
                        : "off",
         width);
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
  if (button(ui, dream.twin ? "leave the real world###twin" : "show the real world###twin", "Twin",
             "Step the real environment beside the dream, from the same start, under the same actions.",
             {.small = true, .why_not = dream.ready ? "" : "No dream yet."}))
    ui.run("twin");
  draw_coupling(ui, dream, width);
  ImGui::Dummy({0, ui.px(6)});

  header(ui, "Pilot", p.text, dream.hands_on ? "your hands" : dream.human_pilot ? "you" : "agent", width);
  ImGui::BeginDisabled(!dream.ready);
  const int who = segmented(ui, "pilot", {"you", "agent"}, dream.human_pilot ? 0 : 1,
                            {"While no key is held nobody drives. M switches.",
                             "While no key is held the trained agent drives. M switches."});
  ImGui::EndDisabled();
  if (who >= 0) ui.send(SetPilot{who == 0});
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  WithFont small(ui.fonts.text, 0.86f);
  text(p.muted, dream.human_pilot || !dream.has_behaviour ? "hold a key to drive; nobody does while none is held"
                                                           : "hold a key to take over, release to hand back");
  ImGui::PopTextWrapPos();
  ImGui::PopStyleVar();
}

/// The one line at launch: it goes when a key was held for a moment, and by itself after some ten seconds.
void draw_welcome(Ui& ui, const DreamView& dream, ImVec2 min, ImVec2 size) {
  static constexpr const char* said = "welcome";
  ViewState& state = ui.views[said];
  constexpr int enough = 600;  // frames drawn; one in which a key is held counts for twenty
  if (!dream.ready || state.selected > enough) return;
  state.selected += ui.keymap.engaged() ? 20 : 1;
  std::string keys;
  for (const KeyBinding& binding : dream.spaces.action.keys) {
    if (keys.size() > 24) break;
    keys += (keys.empty() ? "" : " ") + Keymap::to_label(binding.key);
  }
  bool arrows = keys.find("←") != std::string::npos;
  const std::string sentence =
      "You are inside a dream: " + (arrows ? std::string("the arrow keys") : keys) + " steer; let go to hand back.";
  WithFont font(ui.fonts.text, size.x < ui.px(300) ? 0.85f : 1.0f);
  const float wrap = size.x - ui.px(40);
  const ImVec2 wide = ImGui::CalcTextSize(sentence.c_str(), nullptr, false, wrap);
  const ImVec2 at{min.x + (size.x - wide.x) / 2, min.y + size.y - wide.y - ui.px(20)};
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled({at.x - ui.px(12), at.y - ui.px(7)}, {at.x + wide.x + ui.px(12), at.y + wide.y + ui.px(7)},
                      IM_COL32(18, 14, 34, 225), ui.px(8));
  list->AddText(nullptr, 0, at, IM_COL32(240, 236, 255, 255), sentence.c_str(), nullptr, wrap);
}

}  // namespace

void draw_worlds(const Snapshot& snapshot, Ui& ui) {
  const DreamView& dream = *snapshot.dream;
  const Frame* hero = find_frame(dream.frames, "dream");
  int width = dream.spaces.image_width > 0 ? dream.spaces.image_width : 64,
      height = dream.spaces.image_height > 0 ? dream.spaces.image_height : 64;
  if (hero && hero->image) width = hero->image->width, height = hero->image->height;

  const ImVec2 space = ImGui::GetContentRegionAvail();
  const float hands = transport_height(ui, space.x);
  const ImVec2 room{space.x, space.y - hands - ui.px(12)};
  const Places places = arrange(ui, width, height, room);
  const auto sized = [&](float scale) {
    return ImVec2{scale * static_cast<float>(width), scale * static_cast<float>(height)};
  };
  const ImVec2 hero_size = sized(places.hero), real_size = sized(places.real), small_size = sized(places.small);
  const float gap = ui.px(16), caption = caption_height(ui);
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  draw_picture(ui, "dream", hero, "dream", hero_size, why_no_dream(dream, hero));
  draw_welcome(ui, dream, {origin.x, origin.y + caption}, hero_size);

  const std::string no_twin = !dream.ready ? "The real world, stepped beside the dream."
                              : dream.twin ? "The real world is on its way."
                                           : "The twin is off: the real world is not stepped.";
  const ImVec2 real_at = places.stacked ? ImVec2{origin.x, origin.y + caption + hero_size.y + ui.px(8)}
                                        : ImVec2{origin.x + hero_size.x + gap, origin.y};
  const ImVec2 small_at = places.stacked ? ImVec2{real_at.x + real_size.x + gap, real_at.y}
                                         : ImVec2{real_at.x, real_at.y + caption + real_size.y + ui.px(8)};
  ImGui::SetCursorScreenPos(real_at);
  draw_picture(ui, "real", find_frame(dream.frames, "real"), "real", real_size, no_twin);
  ImGui::SetCursorScreenPos(small_at);
  draw_picture(ui, "reconstruction", find_frame(dream.frames, "reconstruction"), "reconstruction", small_size,
               "What the model makes of the real frame.");
  ImGui::SetCursorScreenPos({small_at.x + small_size.x + gap, small_at.y});
  draw_picture(ui, "difference", find_frame(dream.frames, "difference"), "difference", small_size, "Dream − real.");
  if (places.figures > 0) {
    const float beside_width = std::max(real_size.x, 2 * small_size.x + gap);
    const float x = places.stacked ? origin.x + hero_size.x + ui.px(20) : real_at.x + beside_width + ui.px(20);
    const float wide = std::min(origin.x + space.x - x, ui.px(230));
    ImGui::SetCursorScreenPos({x, origin.y});
    ImGui::BeginChild("figures", {wide, room.y}, 0, ImGuiWindowFlags_NoScrollbar);
    draw_figures(ui, dream, wide);
    ImGui::EndChild();
  }
  const float bottom = places.stacked ? real_at.y + caption + real_size.y : origin.y + caption + hero_size.y;
  ImGui::SetCursorScreenPos({origin.x, bottom + ui.px(10)});
  draw_transport(ui, dream, space.x, hero_size.x);
}

}  // namespace dream::ui
