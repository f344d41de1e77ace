#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

// The parts of the Data panel.

/// The episodes as a table that can be sorted. A click looks at one; with Ctrl and Shift several are chosen, and arrows go
/// from one to the next.
void draw_data_list(const DataView& data, Ui& ui, ImVec2 size);
/// The episode that is looked at: a frame to scrub, the return under it.
void draw_data_episode(const DataView& data, Ui& ui, ImVec2 size);
/// What the dataset is as a whole, and how often what was done.
void draw_data_statistics(const DataView& data, Ui& ui, ImVec2 size);
/// What can be done with the chosen episodes, or the question that comes before it.
void draw_data_deeds(const DataView& data, Ui& ui);

/// A dataset to name: one of those that are known, or a path. True with Enter or the button.
bool ask_for_dataset(const DataView& data, Ui& ui, std::string& path, const char* deed, const char* sentence, bool but_open);

void look_at_data(Ui& ui, const std::string& episode);  // from its first step on
std::string why_no_edit(const DataView& data);          // now; "" = it can be edited
/// The arrows are the list's, not the world's.
bool data_takes_keys(const Ui& ui);

void add_data_actions(std::vector<Action>& all);

}  // namespace dream::ui
