#pragma once
#include <filesystem>
#include <vector>

#include "answers/png.h"
#include "ui/settings.h"

namespace dream::ui {

/// Writes RGB pixels as a PNG, see png_bytes(). False when the file cannot be written.
inline bool write_png(const std::filesystem::path& file, int width, int height, const std::vector<unsigned char>& rgb,
                      bool bottom_up) {
  if (file.has_parent_path() && !std::filesystem::is_directory(file.parent_path())) return false;
  const auto bytes = png_bytes(width, height, rgb, bottom_up);
  return !bytes.empty() && save_text(file, bytes);
}

}  // namespace dream::ui
