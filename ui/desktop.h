#pragma once
#include <filesystem>
#include <vector>

#include "ui/settings.h"

namespace dream::ui {

/// Tells ImGui what the first gamepad does; pad_state() reads it there. ImGui's own way would also steer the widgets.
void feed_gamepad();

/// The work areas of the screens, the main one first.
std::vector<Area> screens();

/// A name that is still free, with today's date, in the user's pictures or where the program was started.
std::filesystem::path screenshot_path();

}  // namespace dream::ui
