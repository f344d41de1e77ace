#pragma once
#include <filesystem>
#include <string>

#include "api/value.h"

namespace dream::ui {

/// The pixels of a PNG, RGB; empty where there is none.
Image read_png(const std::filesystem::path& file);

/// Holds a picture against tests/golden/`name`.png and fails the test where a thing has moved, come or gone; edges of
/// glyphs and lines, which renderers round differently, do not count. With DREAMSCOPE_GOLDEN=write in the environment the
/// picture becomes the reference: look at it.
struct Tolerance {
  double mean = 0.6, share = 0.004;  // of 255; of the values that are more than 40 off
};
void expect_looks_like(const std::string& name, const Image& now, Tolerance tolerance = {});

}  // namespace dream::ui
