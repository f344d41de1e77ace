#include "core/nn/block_masks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "api/error.h"

namespace dream {
namespace {

constexpr int context_tries = 20;  // before a target less is taken out
constexpr int tube_tries = 10000;

using Grid = std::vector<char>;  // rows · columns, 1 = inside

std::int64_t drawn_below(Rng& chance, std::int64_t n) {
  return static_cast<std::int64_t>(chance.integers(static_cast<std::uint64_t>(n)));
}

Grid block_at(std::int64_t top, std::int64_t left, const BlockSize& size, std::int64_t rows, std::int64_t columns) {
  Grid grid(static_cast<std::size_t>(rows * columns), 0);
  for (auto y = top; y < top + size.rows; ++y) std::fill_n(grid.begin() + (y * columns + left), size.columns, char{1});
  return grid;
}

Grid block_somewhere(const BlockSize& size, std::int64_t rows, std::int64_t columns, bool edges, Rng& chance) {
  const auto top = drawn_below(chance, rows - size.rows + (edges ? 1 : 0));
  return block_at(top, drawn_below(chance, columns - size.columns + (edges ? 1 : 0)), size, rows, columns);
}

std::vector<std::int64_t> places_in(const Grid& grid) {
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < grid.size(); ++i)
    if (grid[i]) places.push_back(static_cast<std::int64_t>(i));
  return places;
}

using Lists = std::vector<std::vector<std::int64_t>>;  // of every picture

std::size_t shortest(const Lists& lists) {
  return std::ranges::min_element(lists, {}, &std::vector<std::int64_t>::size)->size();
}

torch::Tensor cut_to(std::size_t length, const Lists& lists) {
  auto made = torch::empty({static_cast<std::int64_t>(lists.size()), static_cast<std::int64_t>(length)}, torch::kInt64);
  auto* to = made.data_ptr<std::int64_t>();
  for (const auto& each : lists) to = std::copy_n(each.begin(), length, to);
  return made;
}

/// Halves go to the even number, as Python's round() has it.
std::int64_t rounded_patches(double x) {
  return static_cast<std::int64_t>(std::nearbyint(x));
}

}  // namespace

BlockSize block_size(double draw, std::int64_t rows, std::int64_t columns, double least, double most,
                     double aspect_least, double aspect_most, bool edges) {
  const double patches = std::floor(static_cast<double>(rows * columns) * (least + draw * (most - least)));
  const double aspect = aspect_least + draw * (aspect_most - aspect_least);
  BlockSize size{rounded_patches(std::sqrt(patches * aspect)), rounded_patches(std::sqrt(patches / aspect))};
  size.rows = std::clamp<std::int64_t>(size.rows, 1, edges ? rows : rows - 1);
  size.columns = std::clamp<std::int64_t>(size.columns, 1, edges ? columns : columns - 1);
  return size;
}

Masks block_masks(const BlockMaskOptions& options, std::int64_t rows, std::int64_t columns, std::int64_t batch,
                  Rng& chance) {
  const auto target = block_size(chance.random(), rows, columns, options.target_least, options.target_most,
                                 options.aspect_least, options.aspect_most, options.edges);
  const auto context =
      block_size(chance.random(), rows, columns, options.context_least, options.context_most, 1, 1, options.edges);
  if (target.rows * target.columns <= options.least)
    throw Error("a target block has " + std::to_string(target.rows) + " x " + std::to_string(target.columns) +
                " patches here, and more than " + std::to_string(options.least) +
                " were asked for: smaller patches (encoder.patch), or larger blocks (masks.target_least)");
  Lists seen;
  std::vector<Lists> hidden(static_cast<std::size_t>(options.targets));
  for (std::int64_t i = 0; i < batch; ++i) {
    std::vector<Grid> blocks;
    for (auto& lists : hidden) {
      blocks.push_back(block_somewhere(target, rows, columns, options.edges, chance));
      lists.push_back(places_in(blocks.back()));
    }
    std::vector<std::int64_t> left;
    for (int tries = 0; static_cast<std::int64_t>(left.size()) <= options.least; ++tries) {
      auto grid = block_somewhere(context, rows, columns, options.edges, chance);
      const auto taken_out = std::max<std::int64_t>(0, options.targets - tries / context_tries);
      for (std::int64_t k = 0; k < taken_out; ++k)
        for (std::size_t j = 0; j < grid.size(); ++j) grid[j] = grid[j] && !blocks[static_cast<std::size_t>(k)][j];
      left = places_in(grid);
      if (taken_out == 0 && static_cast<std::int64_t>(left.size()) <= options.least)
        throw Error("no context has more than " + std::to_string(options.least) +
                    " patches: raise masks.context_least");
    }
    seen.push_back(std::move(left));
  }
  Masks made{cut_to(shortest(seen), seen), {}};
  for (const auto& lists : hidden) made.targets.push_back(cut_to(shortest(lists), lists));
  return made;
}

Masks tube_masks(const TubeMaskOptions& options, std::int64_t frames, std::int64_t rows, std::int64_t columns,
                 std::int64_t batch, Rng& chance) {
  // One number each for share, which does not vary, and aspect ratio.
  const double patches = std::floor(static_cast<double>(rows * columns) * options.share);
  const double aspect = chance.uniform(options.aspect_least, options.aspect_most);
  const BlockSize size{std::clamp<std::int64_t>(rounded_patches(std::sqrt(patches * aspect)), 1, rows),
                       std::clamp<std::int64_t>(rounded_patches(std::sqrt(patches / aspect)), 1, columns)};
  Lists seen, hidden;
  for (int tries = 0; static_cast<std::int64_t>(seen.size()) < batch; ++tries) {
    if (tries >= tube_tries)
      throw Error("masks that cover " + std::to_string(options.share) + " of a frame leave nothing to see of " +
                  std::to_string(rows) + " x " + std::to_string(columns) + " patches");
    Grid covered(static_cast<std::size_t>(rows * columns), 0);
    for (std::int64_t k = 0; k < options.blocks; ++k) {
      const auto block = block_somewhere(size, rows, columns, true, chance);
      for (std::size_t j = 0; j < covered.size(); ++j) covered[j] = covered[j] || block[j];
    }
    Grid through, rest;
    for (std::int64_t t = 0; t < frames; ++t)
      for (const char each : covered) through.push_back(each), rest.push_back(!each);
    auto left = places_in(rest);
    if (left.empty()) continue;
    tries = 0;
    seen.push_back(std::move(left)), hidden.push_back(places_in(through));
  }
  return {cut_to(shortest(seen), seen), {cut_to(shortest(hidden), hidden)}};
}

torch::Tensor at_places(const torch::Tensor& x, const torch::Tensor& places) {
  return x.gather(1, places.unsqueeze(-1).expand({-1, -1, x.size(-1)}));
}

}  // namespace dream
