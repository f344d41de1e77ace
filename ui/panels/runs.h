#pragma once
#include <string>

#include "ui/ui.h"

namespace dream::ui {

// The parts of the Runs panel.

/// The runs as a table that can be sorted and filtered: a click selects one, a double click or Enter dreams with it.
void draw_run_table(const Snapshot& snapshot, Ui& ui, const std::string& filter, ImVec2 size);
/// What can be done with the selected run, and what is being done to runs' folders.
void draw_run_card(const Snapshot& snapshot, Ui& ui);
/// The form of a new run.
void draw_new_run(const Snapshot& snapshot, Ui& ui);
/// What is trained after the training under way.
void draw_run_queue(const Snapshot& snapshot, Ui& ui);

/// Whether a run has this folder, or one that waits for its turn.
bool is_taken(const Snapshot& snapshot, const std::string& directory);

/// "shipped", in a frame: a run that came with the program.
void shipped_badge(const Ui& ui);

/// In place, before a training under way would be stopped: `deed` is "open the new run" …
enum class When { unanswered, at_once, after, never };
When ask_when(const Ui& ui, const TrainView& train, const std::string& deed);

}  // namespace dream::ui
