#include "core/nn/positions.h"

#include <cmath>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

/// The places along each axis of a grid in the order of reading: each [frames · rows · columns].
std::vector<torch::Tensor> grid_of(std::int64_t frames, std::int64_t rows, std::int64_t columns) {
  const auto axis = [](std::int64_t n) { return torch::arange(n, torch::kFloat64); };
  auto grid = torch::meshgrid({axis(frames), axis(rows), axis(columns)}, "ij");
  for (auto& each : grid) each = each.flatten();
  return grid;
}

}  // namespace

torch::Tensor waves_of(const torch::Tensor& places, std::int64_t width) {
  const auto k = torch::arange(width / 2, places.options().dtype(torch::kFloat64)) / (static_cast<double>(width) / 2);
  const auto turns = places.to(torch::kFloat64).unsqueeze(1) * torch::exp(-std::log(10000.0) * k);
  return torch::cat({turns.sin(), turns.cos()}, 1);
}

torch::Tensor positions_in_picture(std::int64_t rows, std::int64_t columns, std::int64_t width) {
  if (width % 4 != 0)
    throw Error("a width of " + std::to_string(width) + " holds no positions: 4 must divide it, for waves both ways");
  const auto grid = grid_of(1, rows, columns);
  return torch::cat({waves_of(grid[2], width / 2), waves_of(grid[1], width / 2)}, 1).to(torch::kFloat32);
}

torch::Tensor positions_in_clip(std::int64_t frames, std::int64_t rows, std::int64_t columns, std::int64_t width) {
  if (width % 2 != 0)
    throw Error("a width of " + std::to_string(width) + " holds no positions: it must be even, for sines and cosines");
  const auto grid = grid_of(frames, rows, columns);
  const auto each = 2 * ((width + 5) / 6);
  return torch::cat({waves_of(grid[0], each), waves_of(grid[1], each), waves_of(grid[2], each)}, 1)
      .slice(1, 0, width)
      .to(torch::kFloat32);
}

}  // namespace dream
