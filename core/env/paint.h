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
inline constexpr Colour kNight{19, 23, 32};   // beyond the world
inline constexpr Colour kGround{31, 37, 50};  // where things happen
inline constexpr Colour kRaised{39, 46, 62};  // every other cell of the ground
inline constexpr Colour kWall{62, 71, 91};
inline constexpr Colour kChalk{226, 230, 237};  // the agent, and what it moves
inline constexpr Colour kAmber{244, 176, 66};
inline constexpr Colour kSky{86, 156, 246};
inline constexpr Colour kRose{232, 92, 104};

/// Shapes on a picture of any size. Coordinates run from 0 to 1 over the largest centred square, x to
/// the right and y down, so that one painter serves the agent's 64 x 64 pixels and the window. Round ones have
/// soft edges. Allocates nothing.
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
    for (int y = 0; y < height_; ++y) fill(y, 0, width_, colour);
  }

  /// Its edges are moved to the nearest pixels, so that cells side by side leave no seam.
  void rectangle(float x0, float y0, float x1, float y1, Colour colour) {
    const int from = column(x0), to = column(x1), bottom = row(y1);
    for (int y = row(y0); y < bottom; ++y) fill(y, from, to, colour);
  }

  /// A thick line with round ends.
  void line(float x0, float y0, float x1, float y1, float radius, Colour colour) {
    const float ax = left_ + x0 * scale_, ay = top_ + y0 * scale_;
    const float dx = (x1 - x0) * scale_, dy = (y1 - y0) * scale_, r = radius * scale_;
    const float inverse = 1 / std::max(dx * dx + dy * dy, 1e-12f);
    over(std::min(ax, ax + dx) - r, std::min(ay, ay + dy) - r, std::max(ax, ax + dx) + r, std::max(ay, ay + dy) + r,
         colour, [&](float x, float y) {
           const float along = std::clamp(((x - ax) * dx + (y - ay) * dy) * inverse, 0.0f, 1.0f);
           return r + 0.5f - length(x - ax - along * dx, y - ay - along * dy);
         });
  }

  void disc(float x, float y, float radius, Colour colour) { line(x, y, x, y, radius, colour); }

  /// Brightest in the middle and fainter to the outside, as exp(−r²/2σ²).
  void glow(float x, float y, float sigma, Colour colour) {
    const float cx = left_ + x * scale_, cy = top_ + y * scale_, s = sigma * scale_, reach = 4 * s;
    over(cx - reach, cy - reach, cx + reach, cy + reach, colour, [&](float px, float py) {
      return std::exp(-((px - cx) * (px - cx) + (py - cy) * (py - cy)) / (2 * s * s));
    });
  }

  void ring(float cx, float cy, float radius, float half_width, Colour colour) {
    arc(cx, cy, radius, half_width, 0, kHalfTurn, colour);
  }

  /// The part of a ring within `half_angle` of the direction `middle` (radians, 0 to the right, counter-clockwise).
  void arc(float cx, float cy, float radius, float half_width, float middle, float half_angle, Colour colour) {
    const float x0 = left_ + cx * scale_, y0 = top_ + cy * scale_, r = radius * scale_, w = half_width * scale_;
    const float mx = std::cos(middle), my = -std::sin(middle), reach = r + w;
    over(x0 - reach, y0 - reach, x0 + reach, y0 + reach, colour, [&](float x, float y) {
      const float dx = x - x0, dy = y - y0, distance = length(dx, dy);
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
             const float inside = sign * (ex * (y - ys[i]) - ey * (x - xs[i])) / std::max(length(ex, ey), 1e-6f);
             cover = std::min(cover, inside + 0.5f);
           }
           return cover;
         });
  }

 private:
  static constexpr float kHalfTurn = 3.14159265f;

  static int pixel(float edge, int size) { return static_cast<int>(std::clamp(edge, 0.0f, static_cast<float>(size))); }
  int column(float x) const { return pixel(std::round(left_ + x * scale_), width_); }
  int row(float y) const { return pixel(std::round(top_ + y * scale_), height_); }

  // Lays `colour` over the pixels of a box as far as `cover(x, y)` of a pixel's centre says; 0 or less is not at all.
  template <class Cover>
  void over(float left, float top, float right, float bottom, Colour colour, const Cover& cover) {
    const int x0 = pixel(std::floor(left - 0.5f), width_), x1 = pixel(std::ceil(right + 0.5f), width_);
    const int y0 = pixel(std::floor(top - 0.5f), height_), y1 = pixel(std::ceil(bottom + 0.5f), height_);
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        blend(x, y, cover(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f), colour);
      }
    }
  }

  void blend(int x, int y, float part, Colour colour) {
    if (part <= 0) return;
    std::uint8_t* pixel = at(x, y);
    if (part >= 1) {
      put(pixel, colour);
    } else {
      put(pixel,
          {mix(pixel[0], colour.red, part), mix(pixel[1], colour.green, part), mix(pixel[2], colour.blue, part)});
    }
  }

  void fill(int y, int x0, int x1, Colour colour) {
    std::uint8_t* pixel = at(x0, y);
    for (int x = x0; x < x1; ++x, pixel += 3) put(pixel, colour);
  }

  std::uint8_t* at(int x, int y) { return pixels_.data() + 3 * (static_cast<std::size_t>(y) * width_ + x); }

  static void put(std::uint8_t* pixel, Colour colour) {
    pixel[0] = colour.red;
    pixel[1] = colour.green;
    pixel[2] = colour.blue;
  }
  static float length(float x, float y) { return std::sqrt(x * x + y * y); }
  static std::uint8_t mix(std::uint8_t from, std::uint8_t to, float part) {
    return static_cast<std::uint8_t>(static_cast<float>(from) * (1 - part) + static_cast<float>(to) * part + 0.5f);
  }

  int width_, height_;
  float scale_, left_, top_;
  std::span<std::uint8_t> pixels_;
};

}  // namespace dream::paint
