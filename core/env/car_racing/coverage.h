#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/env/car_racing/geometry.h"

namespace dream::car_racing {

/// Four floats that the compiler keeps in one vector register: red, green, blue, coverage.
using Float4 = float __attribute__((vector_size(16)));

/// Exact-area anti-aliasing by signed areas: every edge of a polygon adds its weight to the cells that it crosses, and
/// a running sum along a row then gives, per pixel, the sum over polygons of weight x covered area. Polygons that
/// share an edge therefore meet without a seam, and an edge between equal weights need not be drawn at all.
///
/// Polygons that run counter-clockwise as seen count positive. Coordinates are pixels, y down.
template <class Weight>
class CoveragePlane {
 public:
  void resize(int width, int height) {
    width_ = width;
    height_ = height;
    stride_ = static_cast<std::size_t>(width) + 2;
    cells_.assign(stride_ * height, Weight{});
    touched_top_ = height;
    touched_bottom_ = 0;
  }

  /// One directed edge. What lies left of the picture still counts for the pixels right of it.
  void edge(Vec2 from, Vec2 to, Weight weight) {
    auto x0 = static_cast<float>(from.x), y0 = static_cast<float>(from.y);
    auto x1 = static_cast<float>(to.x), y1 = static_cast<float>(to.y);
    if (std::abs(y1 - y0) < 1e-6f) return;  // covers nothing, and its slope may not be a number
    if (y0 > y1) {
      std::swap(x0, x1);
      std::swap(y0, y1);
      weight = -weight;
    }
    const float right = static_cast<float>(width_), bottom = static_cast<float>(height_);
    if (y1 <= 0 || y0 >= bottom || (x0 >= right && x1 >= right)) return;
    const float slope = (x1 - x0) / (y1 - y0);
    if (y0 < 0) {
      x0 -= slope * y0;
      y0 = 0;
    }
    if (y1 > bottom) {
      x1 += slope * (bottom - y1);
      y1 = bottom;
    }
    touched_top_ = std::min(touched_top_, static_cast<int>(y0));
    touched_bottom_ = std::max(touched_bottom_, static_cast<int>(std::ceil(y1)));
    if (x0 <= 0 && x1 <= 0) return segment(0, y0, 0, y1, weight);
    if (x0 >= 0 && x1 >= 0 && x0 <= right && x1 <= right) return segment(x0, y0, x1, y1, weight);

    // Crosses the left or the right border: cut there.
    float cuts[4] = {y0, y1, y1, y1};
    int count = 1;
    const float at_left = y0 - x0 / slope, at_right = y0 + (right - x0) / slope;
    for (const float cut : {std::min(at_left, at_right), std::max(at_left, at_right)}) {
      if (cut > y0 && cut < y1) cuts[count++] = cut;
    }
    for (int i = 0; i < count; ++i) {
      const float top = cuts[i], end = i + 1 < count ? cuts[i + 1] : y1;
      const float middle = x0 + slope * (0.5f * (top + end) - y0);
      if (middle >= right) continue;
      if (middle <= 0) {
        segment(0, top, 0, end, weight);
      } else {
        segment(std::clamp(x0 + slope * (top - y0), 0.0f, right), top, std::clamp(x0 + slope * (end - y0), 0.0f, right),
                end, weight);
      }
    }
  }

  template <std::size_t N>
  void polygon(const std::array<Vec2, N>& corners, Weight weight) {
    for (std::size_t i = 0; i < N; ++i) edge(corners[i], corners[(i + 1) % N], weight);
  }

  Weight* row(int y) { return cells_.data() + stride_ * y; }
  bool touched(int y) const { return y >= touched_top_ && y < touched_bottom_; }
  int touched_top() const { return touched_top_; }
  int touched_bottom() const { return touched_bottom_; }

  void clear() {
    for (int y = touched_top_; y < touched_bottom_; ++y) std::fill_n(row(y), stride_, Weight{});
    touched_top_ = height_;
    touched_bottom_ = 0;
  }

 private:
  // Inside the picture, y0 < y1.
  void segment(float x0, float y0, float x1, float y1, Weight weight) {
    const float slope = (x1 - x0) / (y1 - y0);
    int y = static_cast<int>(y0);
    float x = x0;
    Weight* cells = row(y);
    while (y0 < y1) {
      const float end = std::min(static_cast<float>(y + 1), y1);
      const float height = end - y0;
      float next = x + slope * height;
      // Rounding must not carry the walk outside the segment.
      next = slope < 0 ? std::max(next, x1) : std::min(next, x1);
      span(cells, std::min(x, next), std::max(x, next), weight * height);
      x = next;
      y0 = end;
      ++y;
      cells += stride_;
    }
  }

  // Within one row, from x0 <= x1: each cell right of the edge gets the weight in full, the crossed ones their part.
  static void span(Weight* cells, float x0, float x1, Weight weight) {
    int cell = static_cast<int>(x0);
    if (x1 <= static_cast<float>(cell + 1)) {
      const float beyond = 0.5f * (x0 + x1) - static_cast<float>(cell);
      const Weight later = weight * beyond;
      cells[cell] += weight - later;
      cells[cell + 1] += later;
      return;
    }
    const Weight per_pixel = weight * (1.0f / (x1 - x0));
    for (float x = x0; x < x1; ++cell) {
      const float end = std::min(static_cast<float>(cell + 1), x1);
      const Weight part = per_pixel * (end - x);
      const Weight later = part * (0.5f * (x + end) - static_cast<float>(cell));
      cells[cell] += part - later;
      cells[cell + 1] += later;
      x = end;
    }
  }

  int width_ = 0, height_ = 0;
  std::size_t stride_ = 0;
  std::vector<Weight> cells_;
  int touched_top_ = 0, touched_bottom_ = 0;
};

}  // namespace dream::car_racing
