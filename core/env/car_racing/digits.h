#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "core/env/car_racing/geometry.h"

namespace dream::car_racing {

/// Where the characters of "%04i" % reward stand in the 1000 x 800 window: centred on (60, 750), spaced as Gymnasium's
/// font spaces them. Glyphs 0-9 are digits, 10 is the minus.
struct NumberLayout {
  int count = 0;
  std::array<int, 12> glyph{};
  std::array<double, 12> x{};  // left edge of each glyph's box
  double y = 0;                // top of the digits
};
NumberLayout lay_out_number(double reward);

/// A glyph of our own drawing, in the proportions of a bold sans at 42 pixels, in a box of 23 x 32: lines of one width,
/// cut into quadrilaterals that meet without gap or overlap, all in one orientation.
std::span<const std::array<Vec2, 4>> glyph_strokes(int glyph);

}  // namespace dream::car_racing
