#pragma once
#include <array>
#include <cstdint>
#include <cmath>
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

/// A glyph of our own drawing, in the proportions of a bold sans at 42 pixels: lines of one width in a box of 23 x 32.
std::span<const std::span<const Vec2>> glyph_lines(int glyph);
inline constexpr double kStrokeWidth = 6;

/// Calls `stroke` with the four corners of each stroke, all in one orientation.
template <class Function>
void for_each_stroke(int glyph, Function&& stroke) {
  for (const std::span<const Vec2> line : glyph_lines(glyph)) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      const Vec2 a = line[i], b = line[i + 1];
      const double dx = b.x - a.x, dy = b.y - a.y, k = kStrokeWidth / 2 / std::sqrt(dx * dx + dy * dy);
      const Vec2 n{-dy * k, dx * k};
      stroke(std::array<Vec2, 4>{Vec2{a.x - n.x, a.y - n.y}, Vec2{a.x + n.x, a.y + n.y}, Vec2{b.x + n.x, b.y + n.y},
                                 Vec2{b.x - n.x, b.y - n.y}});
    }
  }
}

}  // namespace dream::car_racing
