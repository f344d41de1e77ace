#pragma once
#include <string>
#include <vector>

namespace dream {

/// RGB pixels, row by row, as the bytes of a PNG; `bottom_up` when the first row is the lowest (as OpenGL reads them). Empty
/// where there are not width x height of them.
std::string png_bytes(int width, int height, const std::vector<unsigned char>& rgb, bool bottom_up = false);

}  // namespace dream
