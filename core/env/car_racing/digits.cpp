#include "core/env/car_racing/digits.h"

#include <algorithm>
#include <cstdlib>
#include <numbers>
#include <vector>

namespace dream::car_racing {
namespace {

constexpr int kMinus = 10;
constexpr double kGlyphWidth = 23;

// How far the next digit stands from this one (row: this, column: next), in window pixels.
constexpr std::uint8_t kAdvance[10][10] = {
    {25, 23, 26, 26, 23, 26, 23, 23, 25, 26}, {23, 19, 23, 23, 23, 23, 23, 20, 23, 23},
    {26, 23, 23, 25, 23, 23, 26, 23, 25, 26}, {25, 23, 25, 26, 23, 26, 25, 23, 26, 26},
    {26, 23, 25, 26, 23, 26, 26, 23, 27, 26}, {23, 23, 23, 26, 23, 26, 23, 23, 25, 26},
    {25, 23, 23, 26, 23, 26, 25, 23, 26, 26}, {23, 23, 23, 23, 20, 23, 23, 23, 23, 23},
    {25, 23, 25, 26, 23, 26, 25, 23, 25, 26}, {23, 23, 25, 25, 23, 25, 23, 23, 23, 25}};

using Line = std::vector<Vec2>;

// An arc of an ellipse, degrees clockwise from the top.
void arc(Line& line, Vec2 centre, double radius_x, double radius_y, double from, double to) {
  const int steps = std::max(2, static_cast<int>(std::abs(to - from) / 24));
  for (int i = 0; i <= steps; ++i) {
    const double a = (from + (to - from) * i / steps) * std::numbers::pi / 180;
    line.push_back({centre.x + radius_x * std::sin(a), centre.y - radius_y * std::cos(a)});
  }
}

struct Glyphs {
  std::array<std::vector<Line>, 11> lines;
  std::array<std::vector<std::span<const Vec2>>, 11> spans;

  Glyphs() {
    auto& g = lines;
    g[0].emplace_back();
    arc(g[0].back(), {11.5, 16}, 7.2, 13, 0, 360);
    g[1] = {{{13, 2}, {13, 32}}, {{3, 8.5}, {11, 7}}};
    g[2].emplace_back();
    arc(g[2].back(), {11, 10}, 7.2, 6, -90, 120);
    g[2].back().insert(g[2].back().end(), {{5, 28}});
    g[2].push_back({{2, 29}, {21, 29}});
    g[3].emplace_back();
    arc(g[3].back(), {10.5, 9}, 7, 6, -90, 180);
    g[3].emplace_back();
    arc(g[3].back(), {10.5, 22.5}, 8, 7, 0, 270);
    g[4] = {{{16, 2}, {16, 32}}, {{14, 4}, {3.5, 21}}, {{1, 22.5}, {22, 22.5}}};
    g[5] = {{{20, 4.5}, {4, 4.5}}, {{6, 4.5}, {4, 16}}};
    g[5].emplace_back();
    arc(g[5].back(), {10.8, 21.5}, 7.8, 7.5, -60, 260);
    g[6].emplace_back();
    arc(g[6].back(), {11.5, 22}, 7.2, 7, 0, 360);
    g[6].emplace_back();
    arc(g[6].back(), {12, 15}, 8.5, 12, 60, -110);
    g[7] = {{{1, 4.5}, {21, 4.5}}, {{18, 6}, {8, 32}}};
    g[8].emplace_back();
    arc(g[8].back(), {11.5, 9}, 6.5, 6, 0, 360);
    g[8].emplace_back();
    arc(g[8].back(), {11.5, 22.5}, 7.6, 7, 0, 360);
    g[9].emplace_back();
    arc(g[9].back(), {11, 10.5}, 7.2, 7, 0, 360);
    g[9].emplace_back();
    arc(g[9].back(), {10.5, 17}, 8.5, 12, -120, -290);
    g[kMinus] = {{{1, 20.5}, {12, 20.5}}};
    for (std::size_t i = 0; i < lines.size(); ++i) spans[i].assign(lines[i].begin(), lines[i].end());
  }
};

const Glyphs& glyphs() {
  static const Glyphs instance;
  return instance;
}

}  // namespace

NumberLayout lay_out_number(double reward) {
  NumberLayout layout;
  // "%04i" cuts the fraction off and pads with zeros to four characters, the sign among them.
  const long value = static_cast<long>(std::clamp(reward, -99999.0, 99999.0));
  const bool negative = value < 0;
  std::array<int, 8> digits{};
  int count = 0;
  for (long left = std::labs(value); left > 0 || count < (negative ? 3 : 4); left /= 10) {
    digits[count++] = static_cast<int>(left % 10);
  }
  double x = 0;
  auto put = [&](int glyph) {
    layout.glyph[layout.count] = glyph;
    layout.x[layout.count++] = x;
  };
  if (negative) {
    put(kMinus);
    x += 14;
  }
  for (int i = count - 1; i >= 0; --i) {
    put(digits[i]);
    x += i > 0 ? kAdvance[digits[i]][digits[i - 1]] : kGlyphWidth;
  }
  for (int i = 0; i < layout.count; ++i) layout.x[i] += 60 - x / 2;
  layout.y = 750 - 21 + 2;
  return layout;
}

std::span<const std::span<const Vec2>> glyph_lines(int glyph) { return glyphs().spans[glyph]; }

}  // namespace dream::car_racing
