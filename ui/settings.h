#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dream::ui {

/// A rectangle of the desktop, in the window system's own units.
struct Area {
  int x = 0, y = 0, width = 0, height = 0;
};

/// The form of a new run.
struct NewRunForm {
  std::string recipe, environment;
  std::vector<std::string> settings;  // "m.heads=true": where it differs from the recipe
};

/// What the window remembers per user, beside the layouts.
struct Settings {
  bool dark = true;
  float text_scale = 1;  // 1, 1.25, 1.5, 2
  bool smooth = false;   // pictures: nearest-neighbour or smooth
  bool sliders = false;  // sliders under the bars of an editable vector
  bool link_knobs = true;
  bool projector = false;              // large text, high contrast, cursor and keys shown
  std::map<std::string, double> best;  // what hands have scored, by world
  std::map<std::string, std::string> choices;  // names that a person gave: "bouncing_square_genie 3" -> "up"
  std::string workspace = "play";
  Area place;  // of the window when it is not maximised; width 0: not known yet
  bool maximised = false;
  NewRunForm new_run;
  std::string film_format;   // "mp4", "gif", "png"; else MP4 where it can be written, or GIF
  bool film_beside = false;  // the real world beside the dream
  std::string last_run;  // that was dreamt with, as OpenRun takes it
};

/// Where a window that wants `wanted` goes on these screens (their work areas, the main one first): as it was where
/// enough of it would be seen, else in the middle of the main screen; never larger than its screen.
Area fit_to_screens(Area wanted, const std::vector<Area>& screens);

/// $XDG_CONFIG_HOME/dreamscope, or its equal on this system; empty when no home is known (nothing is remembered then).
std::filesystem::path default_settings_directory();

/// A missing file gives the defaults, and so does every value that cannot be; what was wrong is added to `damage`, a
/// sentence each.
Settings load_settings(const std::filesystem::path& file, std::vector<std::string>* damage = nullptr);

/// Written aside and renamed. False when that fails: settings are a comfort, never an error.
bool save_text(const std::filesystem::path& file, const std::string& text);
bool save_settings(const std::filesystem::path& file, const Settings& settings);

}  // namespace dream::ui
