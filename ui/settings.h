#pragma once
#include <filesystem>
#include <string>

namespace dream::ui {

/// What the window remembers per user, beside the layouts.
struct Settings {
  bool dark = true;
  float text_scale = 1;  // 1, 1.25, 1.5, 2
  bool smooth = false;   // pictures: nearest-neighbour or smooth
  bool sliders = false;  // sliders under the bars of an editable vector
  bool link_temperature = true;
  std::string workspace = "play";
};

/// $XDG_CONFIG_HOME/dreamscope, or its equal on this system; empty when no home is known (nothing is remembered then).
std::filesystem::path default_settings_directory();

/// A missing or damaged file gives the defaults; values out of range are corrected.
Settings load_settings(const std::filesystem::path& file);

/// Written aside and renamed. False when that fails: settings are a comfort, never an error.
bool save_text(const std::filesystem::path& file, const std::string& text);
bool save_settings(const std::filesystem::path& file, const Settings& settings);

}  // namespace dream::ui
