// Several models in one world, from the same start and under the same actions: who is true for how long, and at what cost.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "imgui.h"
#include "ui/panel_list.h"
#include "ui/pictures.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr std::size_t most_rivals = 3;
constexpr std::size_t steps_shown = 240;

/// What stands in one tile: the dream that leads, or one that follows it.
struct Tile {
  std::string slot, title, run;
  const Frame* dream = nullptr;
  std::vector<Frame> among;
  HonestyClock honesty;
  std::vector<float> errors;
  double ms = 0;
  std::int64_t parameters = 0, behind = 0;
  bool ended = false, leads = false;
  std::string fault;
};

std::string short_count(std::int64_t count) {
  char text[32];
  if (count >= 1'000'000) std::snprintf(text, sizeof text, "%.1f M", static_cast<double>(count) / 1e6);
  else if (count >= 1'000) std::snprintf(text, sizeof text, "%.0f k", static_cast<double>(count) / 1e3);
  else std::snprintf(text, sizeof text, "%lld", static_cast<long long>(count));
  return text;
}

Tile leading(const DreamView& dream) {
  Tile tile;
  tile.slot = "arena/lead/";
  tile.title = dream.world.substr(std::min(dream.world.size(), dream.environment.empty() ? 0 : dream.environment.size() + 4));
  tile.run = dream.run_title;
  for (const char* name : {"dream", "real"})
    if (const Frame* frame = find_frame(dream.frames, name)) tile.among.push_back(*frame);
  tile.honesty = dream.honesty;
  const auto& line = dream.timeline.line;
  for (std::size_t i = 0; i < line.size() && i <= dream.timeline.present; ++i)
    if (line[i].step > 0) tile.errors.push_back(line[i].real_over ? -1 : line[i].error);
  if (tile.errors.size() > steps_shown) tile.errors.erase(tile.errors.begin(), tile.errors.end() - steps_shown);
  tile.ms = dream.model_ms + dream.decode_ms;
  tile.parameters = dream.parameters;
  tile.leads = true;
  return tile;
}

Tile following(const RivalView& rival, std::size_t index) {
  Tile tile;
  tile.slot = "arena/" + std::to_string(index) + "/";
  tile.title = rival.title;
  tile.run = rival.run;
  tile.among.push_back({"dream", "", rival.error, rival.dream});
  tile.among.push_back({"real", "", -1, rival.real});
  tile.honesty = rival.honesty;
  tile.errors = rival.errors;
  tile.ms = rival.ms;
  tile.parameters = rival.parameters;
  tile.behind = rival.behind;
  tile.ended = rival.ended;
  tile.fault = rival.fault;
  return tile;
}

/// Errors of the last steps, all tiles on one scale.
void draw_strip(const Ui& ui, const Tile& tile, float most, float width, float height) {
  const Palette& p = ui.color();
  const Well area = well(ui, (tile.slot + "strip").c_str(), {width, height});
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float wide = area.width() / static_cast<float>(steps_shown);
  for (std::size_t i = 0; i < tile.errors.size(); ++i) {
    if (tile.errors[i] < 0) continue;
    const float x = area.min.x + wide * static_cast<float>(i), high = area.height() * std::min(tile.errors[i] / most, 1.0f);
    list->AddRectFilled({std::floor(x), area.max.y - high}, {std::max(std::floor(x + wide), std::floor(x) + 1), area.max.y}, p.dream);
  }
  tip(ui, "Error of every step", ("Mean squared difference of dream and real picture. All strips have one scale, 0 to " +
                                  axis_number(static_cast<double>(most)) + ", and show the last 240 steps.")
                                     .c_str());
}

/// How long it is true, and in a second line, where there is room for it, what it costs.
void draw_figures(Ui& ui, const Tile& tile, float width, bool low) {
  const Palette& p = ui.color();
  WithFont small(ui.fonts.text, 0.86f);
  char honest[96] = "honest ·";
  const auto& clock = tile.honesty;
  if (tile.behind > 0)
    std::snprintf(honest, sizeof honest, "%s behind the leader", counted(tile.behind, "step").c_str());
  else if (clock.known)
    std::snprintf(honest, sizeof honest, clock.stretches > 0 ? "honest %lld%s · usually %s" : "honest %lld%s",
                  static_cast<long long>(clock.now), clock.over ? "" : " so far", usual_text(clock).c_str());
  char cost[96] = "·";
  if (tile.ms > 0)
    std::snprintf(cost, sizeof cost, "%.1f ms a step (%.0f a second) · %s weights", tile.ms, 1000 / tile.ms, short_count(tile.parameters).c_str());
  text(clock.over || tile.behind > 0 ? p.warning : p.text, "%s", fitted(honest, width).c_str());
  tip(ui, "Honesty clock",
      (std::string("Steps since the last real frame until that frame, standing still, would have missed less of the last few than the dream did; and the "
                   "first step at which it is nearer in the mean of all stretches that you have watched.") +
       (low ? " Its cost: " + std::string(cost) + "." : ""))
          .c_str());
  if (low) return;
  text(p.muted, "%s", fitted(cost, width).c_str());
  tip(ui, "Cost", (std::string("Time to dream a step and to paint it, alone: the figure in brackets is what it could keep up with. ") + cost).c_str());
}

std::vector<std::string> seated(const Snapshot& snapshot) {
  std::vector<std::string> runs;
  for (const RivalView& rival : snapshot.arena->rivals) runs.push_back(rival.run);
  return runs;
}

void draw_tile(Ui& ui, const Snapshot& snapshot, const Tile& tile, ImVec2 picture, float most, bool low) {
  const Palette& p = ui.color();
  ImGui::BeginGroup();
  const float left = ImGui::GetCursorPosX(), cross = tile.leads ? 0 : ui.px(26);
  {
    WithFont bold(ui.fonts.bold, 0.95f);
    ImGui::AlignTextToFramePadding();
    text(p.text, "%s", fitted(tile.title.empty() ? tile.run : tile.title, picture.x - cross).c_str());
  }
  tip(ui, tile.title.c_str(), (tile.leads ? "Leads: what is done here is done by all. " + tile.run : tile.run).c_str());
  if (!tile.leads) {
    ImGui::SameLine(0, 0);
    ImGui::SetCursorPosX(left + picture.x - cross);
    if (button(ui, (std::string(icon::close) + "###" + tile.slot + "leave").c_str(), "Leave", "This model leaves the arena.", {.small = true})) {
      auto runs = seated(snapshot);
      std::erase(runs, tile.run);
      ui.send(SeatArena{runs});
    }
  }
  const Frame* frame = tile.among.empty() ? nullptr : &tile.among.front();
  const bool paints = frame && frame->image;
  const std::string why = !tile.fault.empty() ? tile.fault : tile.ms > 0 || tile.leads ? "This model paints no pictures." : "It is being opened.";
  draw_picture(ui, tile.slot + "dream", tile.among, paints ? frame : nullptr, "dream", picture, why);
  const ImVec2 min{ImGui::GetItemRectMin().x, ImGui::GetItemRectMax().y - picture.y}, max = ImGui::GetItemRectMax();
  if (tile.behind > 2 || tile.ended) {
    ImDrawList* list = ImGui::GetWindowDrawList();
    WithFont small(ui.fonts.text, 0.86f);
    const std::string said = tile.ended ? "its dream has ended" : "catches up: " + std::to_string(tile.behind) + " steps behind";
    const float line = ImGui::GetTextLineHeight() + ui.px(4);
    list->AddRectFilled({min.x, max.y - line}, max, fade(p.well, 0.85f));
    list->AddText({min.x + ui.px(6), max.y - line + ui.px(2)}, p.warning, fitted(said, picture.x - ui.px(12)).c_str());
  }
  draw_strip(ui, tile, most, picture.x, ui.px(30));
  draw_figures(ui, tile, picture.x, low);
  ImGui::EndGroup();
}

/// A free place: the runs of this world that are not here yet.
void draw_free_place(Ui& ui, const Snapshot& snapshot, ImVec2 size) {
  const DreamView& dream = *snapshot.dream;
  const Palette& p = ui.color();
  const auto runs = seated(snapshot);
  std::vector<const RunView*> free;
  for (const RunView& run : *snapshot.runs)
    if (run.usable && run.environment == dream.environment && run.path != dream.run && std::ranges::find(runs, run.path) == runs.end())
      free.push_back(&run);
  const std::string why_not = !dream.ready       ? "No dream yet."
                              : !dream.has_model ? "This system has no model: there is no dream to follow."
                              : free.empty()     ? "There is no further run of " + dream.environment + ". Train one, and it can join here."
                                                 : "";
  if (!why_not.empty()) free.clear();
  ImGui::BeginGroup();
  {
    WithFont bold(ui.fonts.bold, 0.95f);
    ImGui::AlignTextToFramePadding();
    text(p.muted, "%s", fitted("Let a model join", size.x).c_str());
  }
  tip(ui, "Let a model join", "It sees what this dream saw before it began, and lives through the same actions since.");
  ImGui::PushStyleColor(ImGuiCol_ChildBg, p.well);
  ImGui::BeginChild("free", {size.x, size.y + caption_height(ui)}, ImGuiChildFlags_AlwaysUseWindowPadding);
  if (!why_not.empty()) {
    ImGui::PushTextWrapPos(0);
    text(p.muted, "%s", why_not.c_str());
    ImGui::PopTextWrapPos();
  }
  for (const RunView* run : free) {
    const std::string label = fitted(run->model.empty() ? run->recipe : run->model, ImGui::GetContentRegionAvail().x);
    if (ImGui::Selectable((label + "###" + run->path).c_str())) {
      auto all = runs;
      all.push_back(run->path);
      ui.send(SeatArena{all});
    }
    tip(ui, run->model.c_str(), (run->path + ". " + run->detail).c_str());
    WithFont small(ui.fonts.text, 0.82f);
    text(p.muted, "%s", fitted(run->detail.empty() ? run->name : run->name + " · " + run->detail, ImGui::GetContentRegionAvail().x).c_str());
    ImGui::Dummy({0, ui.px(4)});
  }
  ImGui::EndChild();
  ImGui::PopStyleColor();
  ImGui::EndGroup();
}

/// Title, deeds and what is to be said, in one row: height is what pictures need.
void draw_head(Ui& ui, const DreamView& dream, const std::string& note, float width) {
  const float left = ImGui::GetCursorPosX();
  {
    WithFont bold(ui.fonts.bold, 0.96f);
    ImGui::AlignTextToFramePadding();
    text(ui.color().dream, "Arena");
  }
  ImGui::SameLine(0, ui.px(14));
  action_button(ui, "start anew", "new_start");
  ImGui::SameLine(0, ui.px(8));
  action_button(ui, dream.playing ? "hold###hold" : "play###hold", "play", !dream.playing);
  ImGui::SameLine(0, ui.px(14));
  WithFont small(ui.fonts.text, 0.88f);
  const float space = left + width - ImGui::GetCursorPosX();
  const std::string said = space > ui.px(40) ? fitted(note, space) : "";
  ImGui::SetCursorPosX(left + width - ImGui::CalcTextSize(said.c_str()).x);
  ImGui::AlignTextToFramePadding();
  text(ui.color().muted, "%s", said.c_str());
  if (said != note) tip(ui, "Arena", note.c_str());
}

}  // namespace

void draw_arena(const Snapshot& snapshot, Ui& ui) {
  const DreamView& dream = *snapshot.dream;
  const Palette& p = ui.color();
  const ImVec2 room = ImGui::GetContentRegionAvail();
  char note[64] = "one start, the same actions";
  if (dream.ready) std::snprintf(note, sizeof note, "step %lld, one start, the same actions", static_cast<long long>(dream.step));
  draw_head(ui, dream, note, room.x);
  std::vector<Tile> tiles{leading(dream)};
  for (std::size_t i = 0; i < snapshot.arena->rivals.size(); ++i) tiles.push_back(following(snapshot.arena->rivals[i], i));
  float most = 1e-4f;
  for (const Tile& tile : tiles)
    for (const float error : tile.errors) most = std::max(most, error);

  const auto& spaces = dream.spaces;
  const float aspect = spaces.image_width > 0 ? static_cast<float>(spaces.image_height) / static_cast<float>(spaces.image_width) : 1;
  const float gap = ui.px(14), line = ImGui::GetTextLineHeight(), words = ui.px(46) + 2 * line + ImGui::GetFrameHeight() + caption_height(ui);
  const float top = ImGui::GetCursorPosY(), high = room.y - (top - ImGui::GetWindowContentRegionMin().y) - ui.px(8);
  // The real picture is the first place; of all arrangements, the one with the largest pictures.
  const int filled = static_cast<int>(tiles.size()) + 1, places = filled + (tiles.size() <= most_rivals ? 1 : 0);
  int columns = 1;
  const auto largest = [&](float beside) {
    float side = 0;
    for (int c = 1; c <= places; ++c) {
      const auto rows = static_cast<float>((places + c - 1) / c);
      const float w = (room.x - gap * static_cast<float>(c - 1)) / static_cast<float>(c), h = (high - gap * (rows - 1)) / rows - beside;
      const float fits = std::min(w, h / aspect);
      if (fits > side) side = fits, columns = c;
    }
    return side;
  };
  float side = largest(words);
  const bool low = side < ui.px(160);
  if (low) side = largest(words - line);
  side = std::max(side, ui.px(64));
  const ImVec2 picture{std::floor(side), std::floor(side * aspect)};
  for (int i = 0; i < places; ++i) {
    if (i % columns > 0) ImGui::SameLine(0, gap);
    else if (i > 0) ImGui::Dummy({0, ui.px(2)});
    if (i == filled) {
      draw_free_place(ui, snapshot, picture);
      continue;
    }
    if (i > 0) {
      draw_tile(ui, snapshot, tiles[static_cast<std::size_t>(i - 1)], picture, most, low);
      continue;
    }
    ImGui::BeginGroup();
    {
      WithFont bold(ui.fonts.bold, 0.95f);
      ImGui::AlignTextToFramePadding();
      text(p.text, "%s", fitted(dream.environment, picture.x).c_str());
    }
    const Frame* real = find_frame(dream.frames, "real");
    draw_picture(ui, "arena/lead/real", tiles.front().among, real, "real", picture, "No real world goes with this dream.");
    WithFont small(ui.fonts.text, 0.86f);
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + picture.x);
    text(p.muted, "Drive, or let the agent: all of them do the same. What goes back, or begins anew, does so for all.");
    ImGui::PopTextWrapPos();
    ImGui::EndGroup();
  }
}

}  // namespace dream::ui
