#include "ui/record/colour_table.h"

#include <algorithm>
#include <optional>

namespace dream::ui {
namespace {

constexpr std::size_t most_colours = 256;

using ByteColour = std::array<std::uint8_t, 3>;

ByteColour colour_at(const Image& rgb, std::size_t pixel) {
  return {rgb.pixels[3 * pixel], rgb.pixels[3 * pixel + 1], rgb.pixels[3 * pixel + 2]};
}

/// As it is; nothing where it has more colours.
std::optional<Indexed> indexed_exactly(const Image& rgb) {
  constexpr std::size_t slots = 1024;     // a hash table of colours, a quarter full at most
  std::array<std::int16_t, slots> index;  // of the colour in this slot; -1: none
  index.fill(-1);
  Indexed out;
  out.pixels.resize(rgb.pixels.size() / 3);
  ByteColour last{};
  std::uint8_t last_index = 0;
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    const ByteColour colour = colour_at(rgb, i);
    if (i == 0 || colour != last) {
      std::size_t slot = (colour[0] * 73u + colour[1] * 179u + colour[2] * 283u) % slots;
      while (index[slot] >= 0 && out.colours[static_cast<std::size_t>(index[slot])] != colour)
        slot = (slot + 1) % slots;
      if (index[slot] < 0) {
        if (out.colours.size() == most_colours) return std::nullopt;
        index[slot] = static_cast<std::int16_t>(out.colours.size());
        out.colours.push_back(colour);
      }
      last = colour, last_index = static_cast<std::uint8_t>(index[slot]);
    }
    out.pixels[i] = last_index;
  }
  return out;
}

/// Colours that share their six upper bits.
struct Cell {
  double count = 0, sum[3] = {0, 0, 0};
  std::size_t at = 0;
  double mean(int c) const { return sum[c] / count; }
};

std::size_t cell_of(const ByteColour& colour) {
  return static_cast<std::size_t>(colour[0] >> 2) << 12 | static_cast<std::size_t>(colour[1] >> 2) << 6 |
         colour[2] >> 2;
}

/// A part of the cells, from `first` to before `end`.
struct Part {
  std::size_t first = 0, end = 0;
  double mean[3] = {0, 0, 0};
  double error = 0;  // summed squared distance to the mean along `axis`, where it is largest
  int axis = 0;
};

Part measured(const std::vector<Cell>& cells, std::size_t first, std::size_t end) {
  Part part{.first = first, .end = end};
  double count = 0, squares[3] = {0, 0, 0};
  for (std::size_t i = first; i < end; ++i) {
    count += cells[i].count;
    for (int c = 0; c < 3; ++c) part.mean[c] += cells[i].sum[c], squares[c] += cells[i].sum[c] * cells[i].mean(c);
  }
  for (int c = 0; c < 3; ++c) {
    part.mean[c] /= count;
    const double error = end - first > 1 ? squares[c] - count * part.mean[c] * part.mean[c] : 0;
    if (error > part.error) part.error = error, part.axis = c;
  }
  return part;
}

}  // namespace

Indexed indexed(const Image& rgb) {
  if (std::optional<Indexed> exact = indexed_exactly(rgb)) return *std::move(exact);
  Indexed out;
  out.pixels.resize(rgb.pixels.size() / 3);
  std::vector<std::uint32_t> known(std::size_t{1} << 18, 0);  // the cell's number + 1; later its part
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < out.pixels.size(); ++i) {
    const ByteColour colour = colour_at(rgb, i);
    std::uint32_t& number = known[cell_of(colour)];
    if (number == 0) {
      cells.emplace_back().at = cell_of(colour);
      number = static_cast<std::uint32_t>(cells.size());
    }
    Cell& cell = cells[number - 1];
    ++cell.count;
    for (int c = 0; c < 3; ++c) cell.sum[c] += colour[static_cast<std::size_t>(c)];
  }
  std::vector<Part> parts{measured(cells, 0, cells.size())};
  while (parts.size() < most_colours) {
    const auto worst = std::ranges::max_element(parts, {}, &Part::error);
    if (worst->error <= 0) break;
    const Part whole = *worst;
    const auto begin = cells.begin();
    const auto middle =
        std::partition(begin + static_cast<std::ptrdiff_t>(whole.first), begin + static_cast<std::ptrdiff_t>(whole.end),
                       [&](const Cell& cell) { return cell.mean(whole.axis) < whole.mean[whole.axis]; });
    const auto cut = static_cast<std::size_t>(middle - begin);
    if (cut == whole.first || cut == whole.end) {  // they differ by rounding alone
      worst->error = 0;
      continue;
    }
    *worst = measured(cells, whole.first, cut);
    parts.push_back(measured(cells, cut, whole.end));
  }
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (std::size_t i = parts[p].first; i < parts[p].end; ++i) known[cells[i].at] = static_cast<std::uint32_t>(p);
    const auto rounded = [&](int c) { return static_cast<std::uint8_t>(parts[p].mean[c] + 0.5); };
    out.colours.push_back({rounded(0), rounded(1), rounded(2)});
  }
  for (std::size_t i = 0; i < out.pixels.size(); ++i)
    out.pixels[i] = static_cast<std::uint8_t>(known[cell_of(colour_at(rgb, i))]);
  return out;
}

}  // namespace dream::ui
