#pragma once
#include <filesystem>
#include <vector>

namespace dream::ui {

/// Writes RGB pixels, row by row, as PNG; `bottom_up` when the first row is the lowest (as OpenGL reads them). False
/// when the file cannot be written.
bool write_png(const std::filesystem::path& file, int width, int height, const std::vector<unsigned char>& rgb,
               bool bottom_up);

}  // namespace dream::ui
