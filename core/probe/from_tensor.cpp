#include "core/probe/from_tensor.h"

#include <algorithm>
#include <array>

#include "api/error.h"

namespace dream {

std::vector<float> floats(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto* data = flat.data_ptr<float>();
  return {data, data + flat.numel()};
}

Image image_from(const torch::Tensor& tensor) {
  if (tensor.dim() != 3)
    throw Error("an image needs three dimensions, this tensor has " + std::to_string(tensor.dim()));
  torch::Tensor bytes = tensor.detach();
  if (bytes.scalar_type() != torch::kUInt8) {
    bytes = bytes.to(torch::kFloat32).permute({1, 2, 0}).mul(255).round().clamp(0, 255).to(torch::kUInt8);
  }
  bytes = bytes.to(torch::kCPU).contiguous();
  Image image;
  image.height = static_cast<int>(bytes.size(0));
  image.width = static_cast<int>(bytes.size(1));
  image.channels = static_cast<int>(bytes.size(2));
  if (image.channels != 1 && image.channels != 3) {
    throw Error("an image has 1 or 3 channels, this tensor has " + std::to_string(image.channels));
  }
  const auto* data = bytes.data_ptr<std::uint8_t>();
  image.pixels.assign(data, data + bytes.numel());
  return image;
}

Image magnitude_image(const torch::Tensor& tensor, float full) {
  if (tensor.dim() != 2)
    throw Error("a picture of magnitudes needs two dimensions, not " + std::to_string(tensor.dim()));
  constexpr std::array<std::array<float, 3>, 5> stops = {
      {{0, 0, 4}, {81, 18, 124}, {183, 55, 121}, {252, 137, 97}, {252, 253, 191}}};
  Image image{static_cast<int>(tensor.size(1)), static_cast<int>(tensor.size(0)), 3, {}};
  for (const float value : floats(tensor)) {
    const float place = std::clamp(value / full, 0.0f, 1.0f) * (stops.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(place), stops.size() - 2);
    const float share = place - static_cast<float>(below);
    for (int channel = 0; channel < 3; ++channel) {
      const auto c = static_cast<std::size_t>(channel);
      image.pixels.push_back(
          static_cast<std::uint8_t>(stops[below][c] * (1 - share) + stops[below + 1][c] * share + 0.5f));
    }
  }
  return image;
}

Heatmap heatmap_from(const torch::Tensor& tensor, int cols, float low, float high, bool diverging) {
  Heatmap map;
  map.cells = floats(tensor);
  const auto count = static_cast<int>(map.cells.size());
  if (cols < 1 || count % cols != 0) {
    throw Error("a heatmap of " + std::to_string(count) + " cells has no rows of " + std::to_string(cols));
  }
  map.cols = cols;
  map.rows = count / cols;
  map.low = low;
  map.high = high;
  map.diverging = diverging;
  return map;
}

int columns_for(std::int64_t count) {
  for (int cols = 32; cols >= 16; --cols) {
    if (count % cols == 0) return cols;
  }
  return static_cast<int>(count);
}

}  // namespace dream
