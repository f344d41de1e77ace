#include "core/env/resized.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"

namespace dream {

ResizedEnv::Axis ResizedEnv::axis(int from, int to) {
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

ResizedEnv::ResizedEnv(std::unique_ptr<Env> inner, int rows, int height, int width)
    : inner_(std::move(inner)), spaces_(inner_->spaces()), rows_(rows == 0 ? spaces_.image_height : rows) {
  if (spaces_.image_bytes() == 0) throw Error("this environment has no picture to resize; this recipe needs one");
  if (rows_ > spaces_.image_height) {
    throw Error("cannot keep " + std::to_string(rows_) + " rows of a picture that has " +
                std::to_string(spaces_.image_height));
  }
  across_ = axis(spaces_.image_width, width);
  down_ = axis(rows_, height);
  source_.resize(spaces_.image_bytes());
  narrowed_.resize(static_cast<std::size_t>(rows_) * width * spaces_.image_channels);
  spaces_.image_height = height;
  spaces_.image_width = width;
}

void ResizedEnv::observe_image(std::span<std::uint8_t> out) {
  inner_->observe_image(source_);
  const int channels = spaces_.image_channels, width = spaces_.image_width;
  const int source_width = inner_->spaces().image_width, row = width * channels;
  for (int y = 0; y < rows_; ++y) {
    const std::uint8_t* line = source_.data() + static_cast<std::size_t>(y) * source_width * channels;
    float* to = narrowed_.data() + static_cast<std::size_t>(y) * row;
    for (const Tap& tap : across_.taps) {
      const float* weights = across_.weights.data() + tap.offset;
      for (int c = 0; c < channels; ++c) {
        float sum = 0;
        for (int k = 0; k < tap.count; ++k)
          sum += weights[k] * static_cast<float>(line[(tap.first + k) * channels + c]);
        *to++ = sum;
      }
    }
  }
  for (int y = 0; y < spaces_.image_height; ++y) {
    const Tap& tap = down_.taps[static_cast<std::size_t>(y)];
    const float* weights = down_.weights.data() + tap.offset;
    const float* from = narrowed_.data() + static_cast<std::size_t>(tap.first) * row;
    std::uint8_t* to = out.data() + static_cast<std::size_t>(y) * row;
    for (int x = 0; x < row; ++x) {
      float sum = 0.5f;
      for (int k = 0; k < tap.count; ++k) sum += weights[k] * from[k * row + x];
      to[x] = static_cast<std::uint8_t>(sum);
    }
  }
}

}  // namespace dream
