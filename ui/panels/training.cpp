// Phases with progress, the three buttons, and beside them, where there is room, the first curves in small.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "api/platform_time.h"
#include "ui/control_row.h"
#include "ui/panel_list.h"
#include "ui/plots.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

std::string short_title(const PhaseView& phase);

/// What a phase that has not begun waits for.
std::string waits_for(const TrainView& train, const PhaseView& phase) {
  for (const PhaseView& earlier : train.phases) {
    if (&earlier == &phase) break;
    if (earlier.state != PhaseView::State::done) return "after " + short_title(earlier);
  }
  return train.busy ? "next" : "waits for a start (F5)";
}

std::string status_of(const TrainView& train, const PhaseView& phase, bool with_rate = true) {
  char out[160];
  switch (phase.state) {
    case PhaseView::State::done:
      return (phase.detail.empty() ? "done" : phase.detail) + "  ✓";
    case PhaseView::State::failed:
      return "stopped by a fault";
    case PhaseView::State::waiting:
      return waits_for(train, phase);
    case PhaseView::State::paused:
      std::snprintf(out, sizeof out, "%3.0f %% · paused", phase.progress * 100);
      return out;
    case PhaseView::State::running: {
      int used = std::snprintf(out, sizeof out, "%3.0f %%", phase.progress * 100);
      if (phase.rate > 0 && with_rate)
        used += std::snprintf(
            out + used, sizeof out - static_cast<std::size_t>(used), " · %s %s",
            phase.rate >= 100 ? std::to_string(std::lround(phase.rate)).c_str() : short_number(phase.rate).c_str(),
            phase.rate_unit.c_str());
      if (phase.rate <= 0 && !phase.detail.empty())  // it prepares: say what
        used += std::snprintf(out + used, sizeof out - static_cast<std::size_t>(used), " · %s", phase.detail.c_str());
      else if (phase.eta_seconds >= 0)
        std::snprintf(out + used, sizeof out - static_cast<std::size_t>(used), " · %s left",
                      short_time(phase.eta_seconds).c_str());
      return out;
    }
  }
  return "";
}

/// The part of a title that fits in the narrow column: "V" of "V: variational autoencoder".
std::string short_title(const PhaseView& phase) {
  return phase.title.substr(0, phase.title.find(':'));
}

void draw_phases(Ui& ui, const TrainView& train, float width) {
  const Palette& p = ui.color();
  const float column = ui.px(70);
  float figures = 0;  // as wide as the widest status, so that the bars end in one line
  bool with_rate = true;
  {
    WithFont font(ui.fonts.mono, 0.84f);
    const auto widest = [&] {
      float most = 0;
      for (const PhaseView& phase : train.phases)
        most = std::max(most, ImGui::CalcTextSize(status_of(train, phase, with_rate).c_str()).x);
      return most + ui.px(12);
    };
    figures = widest();
    if (figures > width - column - ui.px(40)) with_rate = false, figures = widest();
    figures = std::max(figures, std::min(ui.px(250), width * 0.5f));  // does not jump when a status grows by a letter
    figures = std::min(figures, width - column - ui.px(24));
  }
  for (const PhaseView& phase : train.phases) {
    const bool now = phase.state == PhaseView::State::running || phase.state == PhaseView::State::paused;
    const float left = ImGui::GetCursorPosX();
    ImGui::BeginGroup();
    {
      WithFont font(now ? ui.fonts.bold : ui.fonts.text, 0.94f);
      text(phase.state == PhaseView::State::waiting ? p.muted : p.text, "%s", short_title(phase).c_str());
    }
    ImGui::SameLine(0, 0);
    ImGui::SetCursorPosX(left + column);
    const ImU32 colour = phase.state == PhaseView::State::done     ? p.real
                         : phase.state == PhaseView::State::failed ? p.fault
                                                                   : p.dream;
    progress_bar(ui, phase.state == PhaseView::State::done ? 1 : phase.progress, colour,
                 std::max(width - column - figures, ui.px(24)), ui.px(7));
    ImGui::SameLine(0, 0);
    {
      WithFont font(ui.fonts.mono, 0.84f);
      const std::string status = fitted(status_of(train, phase, with_rate), figures - ui.px(12));
      const float wide = ImGui::CalcTextSize(status.c_str()).x;
      ImGui::SetCursorPosX(left + width - std::min(wide, figures));
      text(p.muted, "%s", status.c_str());
    }
    ImGui::EndGroup();
    const bool begun = phase.state != PhaseView::State::waiting;
    tip(ui, phase.title.c_str(), begun ? phase.detail.c_str() : "Not begun yet.");
  }
}

void draw_buttons(Ui& ui, const TrainView& train, float width) {
  const auto control = [&ui](const std::string& label, const char* id, bool accent) {
    const float wide = ImGui::CalcTextSize(label.c_str()).x + 2 * ImGui::GetStyle().FramePadding.x;
    return Control{wide, wide, [&ui, label, id, accent](float) { action_button(ui, label.c_str(), id, accent); }};
  };
  control_row(ui, "training",
              {train.busy ? control(std::string(icon::pause) + "  pause", "train_pause", false)
                          : control(std::string(icon::play) + "  start F5", "train_start", train.open),
               control("one step F6", "train_step", false), control("stop & save", "train_stop", false)},
              width);
}

void draw_memory(Ui& ui, const TrainView& train) {
  if (train.budget_bytes <= 0) return;
  mono(ui, ui.color().muted, "replay %s of %s", short_bytes(train.memory_bytes).c_str(),
       short_bytes(train.budget_bytes).c_str());
  tip(ui, "Replay memory", "What the collected frames take, and the budget they may take (a setting of the run).");
}

void draw_strip_curves(Ui& ui, const TrainView& train, ImVec2 space) {
  const int count = std::min<int>(static_cast<int>(train.curves.size()), space.x > ui.px(760)   ? 3
                                                                         : space.x > ui.px(420) ? 2
                                                                                                : 1);
  if (count == 0) return;
  const float gap = ui.px(16), width = (space.x - gap * static_cast<float>(count - 1)) / static_cast<float>(count);
  // The curves that have most to say now: those of the phase under way come first in the engine's order already.
  for (int i = 0; i < count; ++i) {
    const CurveView& curve = train.curves[static_cast<std::size_t>(i)];
    if (i) ImGui::SameLine(0, gap);
    ImGui::PushID(curve.name.c_str());
    ImGui::BeginGroup();
    std::string note = curve.has_floor             ? "dashed: " + curve.floor_label
                       : curve.reference_y.empty() ? ""
                                                   : "grey: a healthy run";
    if (curve.y.empty()) note = "not begun";
    header(ui, curve.title, ui.color().text, note, width);
    tip(ui, curve.title.c_str(),
        (curve.unit + " over " + curve.x_unit + "s. Grey: the shipped run, what normal looks like.").c_str());
    CurveLook look;
    look.colour = i % 2 ? ui.color().dream : ui.color().real;
    look.x_unit = curve.x_unit.c_str(), look.y_unit = curve.unit.c_str();
    look.reference_x = &curve.reference_x, look.reference_y = &curve.reference_y;
    look.has_floor = curve.has_floor, look.floor = curve.floor, look.floor_label = curve.floor_label.c_str();
    look.may_log = true;
    draw_curve(ui, "##plot", curve.x, curve.y, {width, std::max(ImGui::GetContentRegionAvail().y, ui.px(24))}, look);
    ImGui::EndGroup();
    ImGui::PopID();
  }
}

}  // namespace

void draw_training(const Snapshot& snapshot, Ui& ui) {
  const TrainView& train = *snapshot.train;
  if (!train.open) {
    text(ui.color().muted, "No run is open for training.");
    if (button(ui, "start a new run…", "New run", "Choose a recipe, an environment and a folder.", {.accent = true}))
      ui.want_panel = "runs";
    return;
  }
  const ImVec2 space = ImGui::GetContentRegionAvail();
  const bool strip = space.x > ui.px(760);
  const float width = strip ? std::max(ui.px(430), space.x * 0.33f) : space.x;
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ui.px(8), ui.px(strip ? 2 : 4)});
  ImGui::BeginChild("phases", {width, strip ? space.y : 0}, 0, ImGuiWindowFlags_NoScrollbar);
  if (!strip) header(ui, "Train", ui.color().text, state_of(train, now_seconds()), width);
  draw_buttons(ui, train, width);
  if (strip) {
    ImGui::SameLine(0, ui.px(12));
    ImGui::AlignTextToFramePadding();
    const float room = width - ImGui::GetCursorPosX();
    std::string note = state_of(train, now_seconds());
    const float most = (room - ui.px(12)) / 0.88f;
    if (ImGui::CalcTextSize(note.c_str()).x > most)  // where it lies says less than which it is
      note = std::filesystem::path(train.run).filename().string() + note.substr(train.run.size());
    header(ui, "", ui.color().text, fitted(note, most), room);
  }
  draw_phases(ui, train, width);
  draw_memory(ui, train);
  ImGui::EndChild();
  ImGui::PopStyleVar();
  if (!strip) return;
  ImGui::SameLine(0, ui.px(22));
  ImGui::BeginChild("curves");
  draw_strip_curves(ui, train, ImGui::GetContentRegionAvail());
  ImGui::EndChild();
}

}  // namespace dream::ui
