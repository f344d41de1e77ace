#include "core/env/resizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace dream {
namespace {

constexpr int four = 4;
using Four = float __attribute__((vector_size(4 * sizeof(float))));  // what every x86-64 and ARM has; others emulate

}  // namespace

Resizer::Axis Resizer::axis(int from, int to) {
  Axis axis;
  const double scale = static_cast<double>(from) / to, support = std::max(scale, 1.0);
  for (int i = 0; i < to; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), from);
    double sum = 0;
    std::vector<double> weights;
    for (int k = first; k < last; ++k) {
      weights.push_back(std::max(0.0, 1 - std::abs((k + 0.5 - center) / support)));
      sum += weights.back();
    }
    axis.taps.push_back({first, last - first, static_cast<int>(axis.weights.size())});
    for (const double weight : weights) axis.weights.push_back(static_cast<float>(weight / sum));
  }
  return axis;
}

Resizer::Resizer(int from_height, int from_width, int channels, int height, int width)
    : rows_(from_height),
      from_width_(from_width),
      channels_(channels),
      height_(height),
      width_(width),
      across_(axis(from_width, width)),
      down_(axis(from_height, height)),
      line_(static_cast<std::size_t>(from_width) * channels + four),
      shrunk_(static_cast<std::size_t>(from_height) * width * channels + four) {}

// Loops over bytes, which only -O3 turns into vector code; otherwise this takes as long as the drawing itself.
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("O3")))
#endif
void Resizer::operator()(const std::uint8_t* from, int stride, std::uint8_t* out) {
  const int channels = channels_, row = width_ * channels, line = from_width_ * channels;
  for (int y = 0; y < rows_; ++y) {
    const std::uint8_t* bytes = from + static_cast<std::size_t>(y) * stride * channels;
    for (int i = 0; i < line; ++i) line_[i] = static_cast<float>(bytes[i]);
    // Four colours at a time; those that a pixel does not have are written over by the next.
    float* to = shrunk_.data() + static_cast<std::size_t>(y) * row;
    for (const Tap& tap : across_.taps) {
      const float* weights = across_.weights.data() + tap.offset;
      for (int c = 0; c < channels; c += four) {
        Four sum = {};
        for (int k = 0; k < tap.count; ++k) {
          Four part;
          std::memcpy(&part, line_.data() + (tap.first + k) * channels + c, sizeof part);
          sum += weights[k] * part;
        }
        std::memcpy(to + c, &sum, sizeof sum);
      }
      to += channels;
    }
  }
  for (int y = 0; y < height_; ++y) {
    const Tap& tap = down_.taps[static_cast<std::size_t>(y)];
    const float* weights = down_.weights.data() + tap.offset;
    const float* lines = shrunk_.data() + static_cast<std::size_t>(tap.first) * row;
    std::uint8_t* to = out + static_cast<std::size_t>(y) * row;
    for (int x = 0; x < row; x += four) {
      Four sum = {0.5f, 0.5f, 0.5f, 0.5f};
      for (int k = 0; k < tap.count; ++k) {
        Four part;
        std::memcpy(&part, lines + k * row + x, sizeof part);
        sum += weights[k] * part;
      }
      const int count = std::min(four, row - x);
      for (int i = 0; i < count; ++i) to[x + i] = static_cast<std::uint8_t>(sum[i]);
    }
  }
}

}  // namespace dream
