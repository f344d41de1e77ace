#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// A panel: a docked window with an id (in layouts, never changes), a title, and what it draws. To add one, write its
/// file in ui/panels and a line in panel_list.cpp.
struct Panel {
  std::string id, title;
  void (*draw)(const Snapshot&, Ui&);
  bool on_background = false;  // drawn on the window's own ground instead of a panel
};

const std::vector<Panel>& panel_list();

/// The name under which ImGui knows the panel's window.
std::string window_name(const Panel& panel);
const Panel* find_panel(const std::string& id);

void draw_worlds(const Snapshot&, Ui&);
void draw_mind(const Snapshot&, Ui&);
void draw_training(const Snapshot&, Ui&);
void draw_curves(const Snapshot&, Ui&);
void draw_batch(const Snapshot&, Ui&);
void draw_fields(const Snapshot&, Ui&);
void draw_runs(const Snapshot&, Ui&);
void draw_log(const Snapshot&, Ui&);
void draw_performance(const Snapshot&, Ui&);
void draw_lesson(const Snapshot&, Ui&);
void draw_quiz(const Snapshot&, Ui&);
void draw_probes(const Snapshot&, Ui&);
void draw_timeline(const Snapshot&, Ui&);
void draw_fan(const Snapshot&, Ui&);
void draw_arena(const Snapshot&, Ui&);
void draw_questions(const Snapshot&, Ui&);
void draw_answer(const Snapshot&, Ui&);
void draw_evidence(const Snapshot&, Ui&);
void draw_data(const Snapshot&, Ui&);

/// A workspace: which panels stand where. `shares` are fractions of the window.
struct Workspace {
  std::string id, title, help;
  float text = 1;  // multiplies the text scale
  float left = 0, right = 0.24f, bottom = 0.24f;
  float bottom_least = 172;  // pixels at 1×: what the strip needs at any text size
  float right_least = 0;     // pixels at any text size: the width that the right column's contents need
  float dream_gives = 1.0f / 7;  // Room::given_up
  bool right_tabs = false;   // the right panels lie behind each other, however many they are
  std::vector<std::string> left_panels, centre_panels, right_panels, bottom_panels;
};
const std::vector<Workspace>& workspaces();
const Workspace& workspace(const std::string& id);  // the first one for an unknown id

}  // namespace dream::ui
