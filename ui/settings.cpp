#include "ui/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <locale>
#include <random>
#include <sstream>

namespace dream::ui {

namespace {

/// Nothing that a window system could have reported is refused; what nobody could see or reach is.
bool sane(const Area& at) {
  const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  return within(at.x, -100000, 100000) && within(at.y, -100000, 100000) && within(at.width, 320, 100000) &&
         within(at.height, 240, 100000);
}

bool one_word(std::string& target, const std::string& value) {
  if (!std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; })) return false;
  target = value;
  return true;
}

/// Takes one line over; false when its value cannot be.
bool take_over(Settings& settings, const std::string& key, const std::string& value) {
  const auto either = [&](bool& target, const char* on, const char* off) {
    if (value != on && value != off) return false;
    target = value == on;
    return true;
  };
  if (key == "theme") return either(settings.dark, "dark", "light");
  if (key == "smooth") return either(settings.smooth, "1", "0");
  if (key == "sliders") return either(settings.sliders, "1", "0");
  if (key == "link_knobs") return either(settings.link_knobs, "1", "0");
  if (key == "projector") return either(settings.projector, "1", "0");
  if (key == "film_beside") return either(settings.film_beside, "1", "0");
  if (key == "film_format") return one_word(settings.film_format, value);
  if (key == "maximised") return either(settings.maximised, "1", "0");
  if (key == "workspace") {
    settings.workspace = value;
    return std::all_of(value.begin(), value.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  }
  if (key == "last_run") return settings.last_run = value, true;
  if (key == "new_recipe") return one_word(settings.new_run.recipe, value);
  if (key == "new_environment") return one_word(settings.new_run.environment, value);
  if (key == "new_settings") {
    std::istringstream all(value);
    for (std::string one; std::getline(all, one, '\t');)
      if (one.find('=') != std::string::npos) settings.new_run.settings.push_back(one);
    return true;
  }
  std::istringstream numbers(value);
  numbers.imbue(std::locale::classic());
  if (key.rfind("best ", 0) == 0) {
    double score = 0;
    if (key.size() == 5 || !(numbers >> score) || !numbers.eof() || !std::isfinite(score)) return false;
    settings.best[key.substr(5)] = score;
    return true;
  }
  if (key.rfind("choice ", 0) == 0) {
    if (key.size() == 7 || value.empty()) return false;
    settings.choices[key.substr(7)] = value;
    return true;
  }
  if (key == "text_scale") {
    float scale = 0;
    if (!(numbers >> scale) || !numbers.eof() || !(scale >= 0.75f && scale <= 3)) return false;
    settings.text_scale = scale;
  } else if (key == "place") {
    Area at;
    if (!(numbers >> at.x >> at.y >> at.width >> at.height) || !sane(at)) return false;
    settings.place = at;
  }
  return true;  // a key of another version is nobody's damage
}

/// Of a damaged file, what can be shown.
std::string printable(const std::string& line) {
  std::string shown;
  for (const char c : line.substr(0, 40)) shown += c >= ' ' && c < 127 ? c : '?';
  return shown;
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

Settings load_settings(const std::filesystem::path& file, std::vector<std::string>* damage) {
  Settings settings;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    // Names of worlds have equals signs of their own, scores none.
    const std::size_t equals = line.starts_with("best ") ? line.rfind('=') : line.find('=');
    if (equals != std::string::npos && take_over(settings, line.substr(0, equals), line.substr(equals + 1))) continue;
    if (equals == std::string::npos && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (damage)
      damage->push_back(file.string() + ": “" + printable(line) + "” is damaged; the default stands instead.");
  }
  return settings;
}

bool save_text(const std::filesystem::path& file, const std::string& text) {
  if (file.empty()) return false;
  std::error_code error;
  std::filesystem::path target = file;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(target, error); ++links)
    target = target.parent_path() / std::filesystem::read_symlink(target, error);  // an absolute one replaces it
  const auto there = std::filesystem::status(target, error);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) return false;
  std::filesystem::create_directories(target.parent_path(), error);
  // Two windows may save at the same time: each has a file of its own until it is whole.
  std::filesystem::path aside = target;
  aside += "." + std::to_string(std::random_device{}()) + ".tmp";
  std::ofstream out(aside, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  error.clear();
  if (out) std::filesystem::rename(aside, target, error);
  if (out && !error) return true;
  std::filesystem::remove(aside, error);
  return false;
}

bool save_settings(const std::filesystem::path& file, const Settings& settings) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << "theme=" << (settings.dark ? "dark" : "light") << "\ntext_scale=" << settings.text_scale
      << "\nsmooth=" << settings.smooth << "\nsliders=" << settings.sliders << "\nlink_knobs=" << settings.link_knobs
      << "\nprojector=" << settings.projector << "\nfilm_beside=" << settings.film_beside
      << "\nfilm_format=" << settings.film_format << "\nworkspace=" << settings.workspace
      << "\nlast_run=" << settings.last_run << "\nnew_recipe=" << settings.new_run.recipe << "\nnew_environment=" << settings.new_run.environment
      << "\nnew_settings=";
  for (const std::string& one : settings.new_run.settings) out << one << '\t';
  out << "\n";
  for (const auto& [world, score] : settings.best) out << "best " << world << "=" << score << "\n";
  for (const auto& [choice, name] : settings.choices) out << "choice " << choice << "=" << name << "\n";
  if (settings.place.width > 0)
    out << "place=" << settings.place.x << " " << settings.place.y << " " << settings.place.width << " "
        << settings.place.height << "\nmaximised=" << settings.maximised << "\n";
  return save_text(file, out.str());
}

}  // namespace dream::ui
