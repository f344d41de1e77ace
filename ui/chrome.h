#pragma once
#include "ui/ui.h"

namespace dream::ui {

// What surrounds the panels.
void draw_menu(Ui& ui, const std::string& group);  // the actions of one group
void draw_menu_bar(Ui& ui);
void draw_keys_page(Ui& ui);  // F1
void draw_palette(Ui& ui);    // Ctrl-P
void draw_toast(Ui& ui);      // what Ui::say said last
void draw_projector(Ui& ui);  // cursor and pressed keys, large, where that is chosen
void draw_over_all(Ui& ui);   // these, faults and what waits for an answer
void draw_presentation(Ui& ui);
/// Gives the focus back to whom it had when this page over the window came: ImGui would bring another tab to the front.
/// Called every frame, before the page's Begin().
void give_focus_back(Ui& ui, const char* page, bool shown);
/// Runs the action whose shortcut was pressed, unless the key belongs to the game or to a text field.
void handle_shortcuts(Ui& ui);
/// A menu or a drop-down list is open: plain keys are its alone.
bool list_is_open();

}  // namespace dream::ui
