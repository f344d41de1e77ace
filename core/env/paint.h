#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dream::paint {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

/// The colours of the small worlds: calm, on dark ground, and apart from each other for colour-blind eyes too.
inline constexpr Colour kNight{19, 23, 32};    // beyond the world
inline constexpr Colour kGround{31, 37, 50};   // where things happen
inline constexpr Colour kRaised{39, 46, 62};   // every other cell of the ground
inline constexpr Colour kWall{74, 84, 104};
inline constexpr Colour kChalk{226, 230, 237};  // the agent, and what it moves
inline constexpr Colour kAmber{244, 176, 66};
inline constexpr Colour kSky{86, 156, 246};
inline constexpr Colour kRose{232, 92, 104};

/// Shapes with soft edges on a picture of any size. Coordinates run from 0 to 1 over the largest centred square, x to
/// the right and y down, so that one painter serves the agent's 64 x 64 pixels and the window. Allocates nothing.
class Canvas {
 public:
  /// `pixels`: width x height x 3 bytes.
  Canvas(int width, int height, std::span<std::uint8_t> pixels)
      : width_(width),
        height_(height),
        scale_(static_cast<float>(std::min(width, height))),
        left_((static_cast<float>(width) - scale_) / 2),
        top_((static_cast<float>(height) - scale_) / 2),
        pixels_(pixels) {}

  void clear(Colour colour) {
    for (std::size_t i = 0; i < pixels_.size(); i += 3) put(i, colour);
  }

  /// Exact where edges fall between pixels; elsewhere an edge's pixels are covered in part.
  void rectangle(float x0, float y0, float x1, float y1, Colour colour) {
    const float left = left_ + x0 * scale_, right = left_ + x1 * scale_;
    const float top = top_ + y0 * scale_, bottom = top_ + y1 * scale_;
    over(left, top, right, bottom, colour, [&](float x, float y) {
      const float across = std::min(x + 0.5f, right) - std::max(x - 0.5f, left);
      const float down = std::min(y + 0.5f, bottom) - std::max(y - 0.5f, top);
      return std::clamp(across, 0.0f, 1.0f) * std::clamp(down, 0.0f, 1.0f);
    });
  }

  /// A thick line with round ends.
  void line(float x0, float y0, float x1, float y1, float radius, Colour colour) {
    const float ax = left_ + x0 * scale_, ay = top_ + y0 * scale_;
    const float dx = (x1 - x0) * scale_, dy = (y1 - y0) * scale_, r = radius * scale_;
    const float squared = std::max(dx * dx + dy * dy, 1e-12f);
    over(std::min(ax, ax + dx) - r, std::min(ay, ay + dy) - r, std::max(ax, ax + dx) + r, std::max(ay, ay + dy) + r,
         colour, [&](float x, float y) {
           const float along = std::clamp(((x - ax) * dx + (y - ay) * dy) / squared, 0.0f, 1.0f);
           return r + 0.5f - std::hypot(x - ax - along * dx, y - ay - along * dy);
         });
  }

  void disc(float x, float y, float radius, Colour colour) { line(x, y, x, y, radius, colour); }

  void ring(float cx, float cy, float radius, float half_width, Colour colour) {
    arc(cx, cy, radius, half_width, 0, kHalfTurn, colour);
  }

  /// The part of a ring within `half_angle` of the direction `middle` (radians, 0 to the right, counter-clockwise).
  void arc(float cx, float cy, float radius, float half_width, float middle, float half_angle, Colour colour) {
    const float x0 = left_ + cx * scale_, y0 = top_ + cy * scale_, r = radius * scale_, w = half_width * scale_;
    const float mx = std::cos(middle), my = -std::sin(middle), reach = r + w;
    over(x0 - reach, y0 - reach, x0 + reach, y0 + reach, colour, [&](float x, float y) {
      const float dx = x - x0, dy = y - y0, distance = std::hypot(dx, dy);
      const float cover = w + 0.5f - std::abs(distance - r);
      if (cover <= 0 || half_angle >= kHalfTurn) return cover;
      const float angle = std::atan2(std::abs(dy * mx - dx * my), dx * mx + dy * my);
      return std::min(cover, (half_angle - angle) * distance + 0.5f);
    });
  }

  /// Corners in either order.
  void triangle(float x0, float y0, float x1, float y1, float x2, float y2, Colour colour) {
    const float xs[3] = {left_ + x0 * scale_, left_ + x1 * scale_, left_ + x2 * scale_};
    const float ys[3] = {top_ + y0 * scale_, top_ + y1 * scale_, top_ + y2 * scale_};
    const float area = (xs[1] - xs[0]) * (ys[2] - ys[0]) - (xs[2] - xs[0]) * (ys[1] - ys[0]);
    const float sign = area < 0 ? -1.0f : 1.0f;
    over(std::min({xs[0], xs[1], xs[2]}), std::min({ys[0], ys[1], ys[2]}), std::max({xs[0], xs[1], xs[2]}),
         std::max({ys[0], ys[1], ys[2]}), colour, [&](float x, float y) {
           float cover = 1;
           for (int i = 0; i < 3; ++i) {
             const int k = (i + 1) % 3;
             const float ex = xs[k] - xs[i], ey = ys[k] - ys[i];
             const float inside = sign * (ex * (y - ys[i]) - ey * (x - xs[i])) / std::max(std::hypot(ex, ey), 1e-6f);
             cover = std::min(cover, inside + 0.5f);
           }
           return cover;
         });
  }

 private:
  static constexpr float kHalfTurn = 3.14159265f;

  void put(std::size_t at, Colour colour) {
    pixels_[at] = colour.red;
    pixels_[at + 1] = colour.green;
    pixels_[at + 2] = colour.blue;
  }

  // Lays `colour` over the pixels of a box as far as `cover(x, y)` of a pixel's centre says; 0 or less is not at all.
  template <class Cover>
  void over(float left, float top, float right, float bottom, Colour colour, const Cover& cover) {
    const int x0 = std::max(0, static_cast<int>(std::floor(left - 0.5f)));
    const int y0 = std::max(0, static_cast<int>(std::floor(top - 0.5f)));
    const int x1 = std::min(width_, static_cast<int>(std::ceil(right + 0.5f)));
    const int y1 = std::min(height_, static_cast<int>(std::ceil(bottom + 0.5f)));
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        const float part = cover(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
        const std::size_t at = 3 * (static_cast<std::size_t>(y) * width_ + x);
        if (part >= 1) {
          put(at, colour);
        } else if (part > 0) {
          put(at, {mix(pixels_[at], colour.red, part), mix(pixels_[at + 1], colour.green, part),
                   mix(pixels_[at + 2], colour.blue, part)});
        }
      }
    }
  }

  static std::uint8_t mix(std::uint8_t from, std::uint8_t to, float part) {
    return static_cast<std::uint8_t>(static_cast<float>(from) * (1 - part) + static_cast<float>(to) * part + 0.5f);
  }

  int width_, height_;
  float scale_, left_, top_;
  std::span<std::uint8_t> pixels_;
};

}  // namespace dream::paint
