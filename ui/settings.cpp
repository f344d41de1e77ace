#include "ui/settings.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dream::ui {

std::filesystem::path default_settings_directory() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config)
    return std::filesystem::path(config) / "dreamscope";
  if (const char* roaming = std::getenv("APPDATA"); roaming && *roaming)
    return std::filesystem::path(roaming) / "dreamscope";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::filesystem::path(home) / ".config" / "dreamscope";
  return {};
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
  return save_text(file, out.str());
}

}  // namespace dream::ui
