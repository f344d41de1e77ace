#pragma once
#include <string>

#include "ui/desktop.h"
#include "ui/panel_list.h"

namespace dream::ui {

/// Brings the panel to the front and saves it as a picture, once nothing lies over it.
void save_panel(Ui& ui, const std::string& id);
std::string focused_panel();                   // its id; the worlds where no panel has the focus
Ground place_of_panel(const std::string& id);  // in the window, without its tab; no size where it is not drawn

}  // namespace dream::ui
