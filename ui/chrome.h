#pragma once
#include "ui/ui.h"

namespace dream::ui {

// What surrounds the panels.
void draw_menu_bar(Ui& ui);
void draw_keys_page(Ui& ui);  // F1
void draw_palette(Ui& ui);    // Ctrl-P
/// Runs the action whose shortcut was pressed, unless the key belongs to the game or to a text field.
void handle_shortcuts(Ui& ui);
/// A menu or a drop-down list is open: plain keys are its alone.
bool list_is_open();

}  // namespace dream::ui
