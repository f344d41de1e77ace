#include "core/env/car_racing/digits.h"

#include <algorithm>
#include <cmath>
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
using Strokes = std::vector<std::array<Vec2, 4>>;

constexpr double kStrokeWidth = 5.7;

// An arc of a slightly squared ellipse, degrees clockwise from the top.
void arc(Line& line, Vec2 centre, double radius_x, double radius_y, double from, double to) {
  auto squared = [](double v) { return std::copysign(std::pow(std::abs(v), 0.85), v); };
  const int steps = std::max(2, static_cast<int>(std::abs(to - from) / 20));
  for (int i = 0; i <= steps; ++i) {
    const double a = (from + (to - from) * i / steps) * std::numbers::pi / 180;
    line.push_back({centre.x + radius_x * squared(std::sin(a)), centre.y - radius_y * squared(std::cos(a))});
  }
}

Line arc(Vec2 centre, double radius_x, double radius_y, double from, double to) {
  Line line;
  arc(line, centre, radius_x, radius_y, from, to);
  return line;
}

// Thickens a line; its pieces share their mitred ends.
void thicken(const Line& line, Strokes& strokes) {
  const int n = static_cast<int>(line.size());
  const bool closed = std::hypot(line.front().x - line.back().x, line.front().y - line.back().y) < 1e-6;
  auto normal = [&](int i) {
    const double dx = line[i + 1].x - line[i].x, dy = line[i + 1].y - line[i].y, length = std::hypot(dx, dy);
    return Vec2{-dy / length, dx / length};
  };
  auto offset = [&](int i) {
    const Vec2 before = normal(i > 0 ? i - 1 : closed ? n - 2 : 0), after = normal(i + 1 < n ? i : closed ? 0 : n - 2);
    const double k = kStrokeWidth / 2 / std::max(1 + before.x * after.x + before.y * after.y, 0.3);
    return Vec2{k * (before.x + after.x), k * (before.y + after.y)};
  };
  for (int i = 0; i + 1 < n; ++i) {
    const Vec2 a = line[i], b = line[i + 1], p = offset(i), q = offset(i + 1);
    strokes.push_back({Vec2{a.x - p.x, a.y - p.y}, Vec2{a.x + p.x, a.y + p.y}, Vec2{b.x + q.x, b.y + q.y},
                       Vec2{b.x - q.x, b.y - q.y}});
  }
}

struct Glyphs {
  std::array<Strokes, 11> strokes;

  Glyphs() {
    std::array<std::vector<Line>, 11> g;
    g[0] = {arc({11.5, 16}, 7.4, 13.2, 0, 360)};
    g[1] = {{{13, 2}, {13, 32}}, {{3, 8.5}, {10, 8.5}}};
    Line two = arc({11.2, 11}, 7.2, 6.2, -90, 115);
    two.push_back({5, 27});
    g[2] = {two, {{1.5, 29.2}, {21.5, 29.2}}};
    g[3] = {arc({10.7, 9}, 6.6, 6, -80, 180), arc({11.3, 22.5}, 7.4, 6.7, 0, 262)};
    g[4] = {{{15.7, 2}, {15.7, 32}}, {{12, 4.2}, {3, 19.5}}, {{1, 22.6}, {12.7, 22.6}}, {{18.7, 22.6}, {22, 22.6}}};
    Line five{{20, 4.8}, {6.6, 4.8}, {5.2, 15.5}};
    g[5] = {five, arc({11.2, 22}, 7.6, 7.3, -65, 258)};
    g[6] = {arc({11.7, 21.7}, 7.2, 7.2, 0, 360), arc({11.8, 15}, 7.3, 12.2, 52, -88)};
    g[7] = {{{1, 4.6}, {21.5, 4.6}}, {{16.8, 7.6}, {8.4, 32}}};
    g[8] = {arc({11.5, 9}, 6.6, 6, 0, 360), arc({11.5, 22.5}, 7.6, 6.6, 0, 360)};
    g[9] = {arc({11.3, 11.3}, 7.2, 7.2, 0, 360), arc({11.2, 18}, 7.3, 12.2, -128, -268)};
    g[kMinus] = {{{1, 20}, {12.4, 20}}};
    for (std::size_t i = 0; i < g.size(); ++i) {
      for (const Line& line : g[i]) thicken(line, strokes[i]);
    }
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
  for (int i = 0; i < layout.count; ++i) layout.x[i] += 60 - std::floor(x / 2);
  layout.y = 750 - 21 + 2;
  return layout;
}

std::span<const std::array<Vec2, 4>> glyph_strokes(int glyph) {
  return glyphs().strokes[glyph];
}

}  // namespace dream::car_racing
