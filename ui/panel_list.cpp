#include "ui/panel_list.h"

namespace dream::ui {
namespace {

constexpr float mind_least = 320;  // 32 classes of 10 pixels, so that each can be clicked

}  // namespace

const std::vector<Panel>& panel_list() {
  static const std::vector<Panel> all{
      {"worlds", "Worlds", draw_worlds, true},
      {"mind", "Mind", draw_mind},
      {"timeline", "Timeline", draw_timeline},
      {"fan", "Fan", draw_fan},
      {"arena", "Arena", draw_arena, true},
      {"train", "Train", draw_training},
      {"curves", "Curves", draw_curves, true},
      {"batch", "Batch", draw_batch},
      {"fields", "Settings", draw_fields},
      {"runs", "Runs", draw_runs},
      {"log", "Log", draw_log},
      {"performance", "Performance", draw_performance},
      {"lesson", "Lesson", draw_lesson},
      {"quiz", "Real or dream?", draw_quiz},
      {"probes", "Probes", draw_probes},
      {"questions", "Questions", draw_questions},
      {"answer", "Answer", draw_answer, true},
      {"evidence", "Evidence", draw_evidence},
      {"data", "Data", draw_data},
  };
  return all;
}

std::string window_name(const Panel& panel) {
  return panel.title + "###" + panel.id;
}

const Panel* find_panel(const std::string& id) {
  for (const Panel& panel : panel_list())
    if (panel.id == id) return &panel;
  return nullptr;
}

const std::vector<Workspace>& workspaces() {
  static const std::vector<Workspace> all{
      {.id = "play",
       .title = "Play",
       .help = "Drive in the dream; the mind beside it. Ctrl-1",
       .right = 0.243f,
       .bottom = 0.232f,
       .right_least = mind_least,
       .right_tabs = true,
       .left_panels = {},
       .centre_panels = {"worlds"},
       .right_panels = {"mind", "fan"},
       .bottom_panels = {"timeline", "train", "fields", "runs", "log", "performance"}},
      {.id = "train",
       .title = "Train",
       .help = "Curves large, pictures small. Ctrl-2",
       .left = 0.27f,
       .right = 0.39f,
       .bottom = 0.22f,
       .bottom_least = 196,
       .left_panels = {"train", "fields"},
       .centre_panels = {"curves", "data"},
       .right_panels = {"batch", "mind", "worlds", "lesson"},
       .bottom_panels = {"runs", "log", "performance"}},
      {.id = "debug",
       .title = "Debug",
       .help = "Every probe at once, times, curves and the log. Ctrl-3",
       .left = 0.285f,
       .right = 0.25f,
       .bottom = 0.19f,
       .bottom_least = 140,
       .left_panels = {"worlds"},
       .centre_panels = {"probes"},
       .right_panels = {"curves", "performance"},
       .bottom_panels = {"log", "timeline", "train", "runs"}},
      {.id = "teach",
       .title = "Teach",
       .help = "Large pictures and text, with a lesson. Ctrl-4",
       .text = 1.25f,
       .left = 0.27f,
       .right = 0.24f,
       .bottom = 0,
       .right_least = mind_least,
       .dream_gives = 0.25f,  // a lesson points at all of it
       .left_panels = {"lesson"},
       .centre_panels = {"worlds", "quiz"},
       .right_panels = {"mind"},
       .bottom_panels = {}},
      {.id = "lab",
       .title = "Lab",
       .help = "When, where and why a dream stops being true: questions, answers and their evidence. Ctrl-5",
       .left = 0.24f,
       .right = 0.25f,
       .bottom = 0,
       .left_panels = {"questions"},
       .centre_panels = {"answer"},
       .right_panels = {"evidence"},
       .bottom_panels = {}},
      {.id = "arena",
       .title = "Arena",
       .help = "Up to four models in one world, under the same actions. Ctrl-6",
       .right = 0,
       .bottom = 0.232f,
       .left_panels = {},
       .centre_panels = {"arena"},
       .right_panels = {},
       .bottom_panels = {"timeline", "runs", "log", "performance"}},
  };
  return all;
}

const Workspace& workspace(const std::string& id) {
  for (const Workspace& each : workspaces())
    if (each.id == id) return each;
  return workspaces().front();
}

}  // namespace dream::ui
