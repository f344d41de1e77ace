#include "core/nn/patches.h"

#include <vector>

namespace dream {
namespace {

std::vector<std::int64_t> shape_of(torch::IntArrayRef front, std::initializer_list<std::int64_t> back) {
  auto shape = front.vec();
  shape.insert(shape.end(), back);
  return shape;
}

}  // namespace

torch::Tensor patches_of(const torch::Tensor& pictures, std::int64_t side) {
  const auto front = pictures.sizes().slice(0, static_cast<std::size_t>(pictures.dim() - 3));
  const auto channels = pictures.size(-3), rows = pictures.size(-2) / side, columns = pictures.size(-1) / side;
  return pictures.reshape({-1, channels, rows, side, columns, side})
      .permute({0, 2, 4, 3, 5, 1})
      .reshape(shape_of(front, {rows * columns, side * side * channels}));
}

torch::Tensor joined_patches(const torch::Tensor& patches, std::int64_t side, std::int64_t height, std::int64_t width) {
  const auto front = patches.sizes().slice(0, static_cast<std::size_t>(patches.dim() - 2));
  const auto channels = patches.size(-1) / (side * side);
  return patches.reshape({-1, height / side, width / side, side, side, channels})
      .permute({0, 5, 1, 3, 2, 4})
      .reshape(shape_of(front, {channels, height, width}));
}

}  // namespace dream
