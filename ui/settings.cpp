#include "ui/settings.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dream::ui {

namespace {

/// Nothing that a window system could have reported is refused; what cannot be added without overflow is.
bool sane(const Area& at) {
  const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  return within(at.x, -100000, 100000) && within(at.y, -100000, 100000) && within(at.width, 1, 100000) &&
         within(at.height, 1, 100000);
}

}  // namespace

std::filesystem::path default_settings_directory() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config)
    return std::filesystem::path(config) / "dreamscope";
  if (const char* roaming = std::getenv("APPDATA"); roaming && *roaming)
    return std::filesystem::path(roaming) / "dreamscope";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::filesystem::path(home) / ".config" / "dreamscope";
  return {};
}

Area fit_to_screens(Area wanted, const std::vector<Area>& screens) {
  if (screens.empty()) return wanted;
  const auto common = [](int a, int a_size, int b, int b_size) {
    return std::max(0, std::min(a + a_size, b + b_size) - std::max(a, b));
  };
  const Area* best = nullptr;
  int most = 0;
  for (const Area& screen : screens) {
    // The upper edge must be in sight, and enough of it to take hold of.
    const int seen = common(wanted.x, wanted.width, screen.x, screen.width);
    const bool grip = wanted.y >= screen.y && wanted.y + 40 <= screen.y + screen.height && seen >= 120;
    const int area = grip ? seen * common(wanted.y, wanted.height, screen.y, screen.height) : 0;
    if (area > most) most = area, best = &screen;
  }
  const Area& screen = best ? *best : screens.front();
  wanted.width = std::min(wanted.width, screen.width);
  wanted.height = std::min(wanted.height, screen.height);
  if (!best) {
    wanted.x = screen.x + (screen.width - wanted.width) / 2;
    wanted.y = screen.y + (screen.height - wanted.height) / 2;
  }
  // A screen that has become smaller than the window was: all of the window is seen again.
  if (wanted.width == screen.width) wanted.x = screen.x;
  if (wanted.height == screen.height) wanted.y = screen.y;
  return wanted;
}

Settings load_settings(const std::filesystem::path& file) {
  Settings settings;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "theme") settings.dark = value != "light";
    if (key == "text_scale") settings.text_scale = std::strtof(value.c_str(), nullptr);
    if (key == "smooth") settings.smooth = value == "1";
    if (key == "sliders") settings.sliders = value == "1";
    if (key == "link_temperature") settings.link_temperature = value != "0";
    if (key == "workspace") settings.workspace = value;
    if (key == "maximised") settings.maximised = value == "1";
    if (key == "place") {
      Area at;
      std::istringstream numbers(value);
      if (numbers >> at.x >> at.y >> at.width >> at.height && sane(at)) settings.place = at;
    }
  }
  if (!(settings.text_scale >= 0.75f && settings.text_scale <= 3)) settings.text_scale = 1;
  return settings;
}

bool save_text(const std::filesystem::path& file, const std::string& text) {
  if (file.empty()) return false;
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  std::filesystem::path aside = file;
  aside += ".tmp";
  {
    std::ofstream out(aside, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return false;
  }
  std::filesystem::rename(aside, file, error);
  return !error;
}

bool save_settings(const std::filesystem::path& file, const Settings& settings) {
  std::ostringstream out;
  out << "theme=" << (settings.dark ? "dark" : "light") << "\ntext_scale=" << settings.text_scale
      << "\nsmooth=" << settings.smooth << "\nsliders=" << settings.sliders
      << "\nlink_temperature=" << settings.link_temperature << "\nworkspace=" << settings.workspace << "\n";
  if (settings.place.width > 0)
    out << "place=" << settings.place.x << " " << settings.place.y << " " << settings.place.width << " "
        << settings.place.height << "\nmaximised=" << settings.maximised << "\n";
  return save_text(file, out.str());
}

}  // namespace dream::ui
