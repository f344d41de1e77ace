#include "core/nn/winograd_kernel.h"

#include <algorithm>

namespace dream {
namespace {

constexpr std::int64_t tiles_across_once = 16;
constexpr std::int64_t patch_columns = 4 * tiles_across_once + 2, patch_lines = 6;
constexpr std::int64_t most_transformed = 1024;  // tiles · inputs at once, whose 36 points stay in the second cache
// The points ±a and ±b.
constexpr double square_a = 0.5, square_b = 2;
constexpr double point_a = 0.70710678118654752440, point_b = 1.41421356237309504880;

/// How tiles are gone through: some columns of them, and so many rows at once.
struct TilePass {
  explicit TilePass(const FusedConvolution& of) {
    const auto across = std::min(tiles_across_once, of.tiles_across());
    rows = std::clamp<std::int64_t>(most_transformed / of.inputs / across, 1, of.tile_rows());
    line = patch_columns * of.inputs;
    point_in = rows * across * of.inputs + panel;
    point_out = rows * across * std::min(of.outputs, most_panels * panel) + panel;
  }
  static constexpr std::int64_t most_panels = 2;
  std::int64_t rows, line;
  std::int64_t point_in, point_out;  // from one point to the next, never a multiple of a page
};

template <typename Lanes>
[[gnu::always_inline]] inline void opened(Lanes& v) {
  Lanes open = v;
  sigmoid_lanes(open);
  v = v * open;
}

/// Pixels of one source, `column` the first of them, into a patch; where `rate` is given silu(rate · x + offset).
template <typename Lanes>
[[gnu::always_inline]] inline void patch_pixels(const PixelSource& source, bool doubled, std::int64_t count, const float* rate,
                                                const float* offset, const float* line, std::int64_t column, std::int64_t stride, float* to) {
  const auto channels = source.channels;
  const auto from = [&](std::int64_t p) { return line + (doubled ? (column + p) >> 1 : column + p) * channels; };
  if (!rate) {
    for (std::int64_t p = 0; p < count; ++p) std::memcpy(to + p * stride, from(p), static_cast<std::size_t>(channels) * sizeof(float));
    return;
  }
  for (std::int64_t p = 0; p < count; ++p) {
    const float* pixel = from(p);
    for (std::int64_t c = 0; c < channels; c += lane_count<Lanes>) {
      Lanes a, b, v;
      load_full(a, rate + c);
      load_full(b, offset + c);
      load_full(v, pixel + c);
      v = v * a + b;
      opened(v);
      store_full(to + p * stride + c, v);
    }
  }
}

/// Row `y` of the picture, zeros where there is none, from a column before the first tile on.
template <typename Lanes>
[[gnu::always_inline]] inline void patch_row(const FusedConvolution& of, std::int64_t y, std::int64_t first_tile, std::int64_t tiles,
                                             float* patch) {
  const auto inputs = of.inputs, columns = 4 * tiles + 2, start = 4 * first_tile - 1;
  if (y < 0 || y >= of.height) {
    std::memset(patch, 0, static_cast<std::size_t>(columns * inputs) * sizeof(float));
    return;
  }
  const auto from = std::max<std::int64_t>(0, start), to = std::min(of.width, start + columns);
  if (from > start) std::memset(patch, 0, static_cast<std::size_t>(inputs) * sizeof(float));
  if (const auto behind = start + columns - to; behind > 0)
    std::memset(patch + (to - start) * inputs, 0, static_cast<std::size_t>(behind * inputs) * sizeof(float));
  const auto line = of.doubled ? (of.width >> 1) * (y >> 1) : of.width * y;
  std::int64_t channel = 0;
  for (const auto& source : of.sources) {
    if (source.channels == 0) continue;
    patch_pixels<Lanes>(source, of.doubled, to - from, of.rate ? of.rate + channel : nullptr, of.rate ? of.offset + channel : nullptr,
                        source.x + line * source.channels, from, inputs, patch + (from - start) * inputs + channel);
    channel += source.channels;
  }
}

/// Bᵀ d: rows of x · Π (x² − p²) and of Π (x² − p²) by the points.
template <typename Lanes>
[[gnu::always_inline]] inline void input_line(const Lanes (&d)[6], Lanes (&v)[6]) {
  constexpr float a = point_a, b = point_b, aa = square_a, bb = square_b, both = square_a + square_b;
  static_assert(square_a * square_b == 1);
  const Lanes even_a = d[4] - bb * d[2], odd_a = d[3] - bb * d[1], even_b = d[4] - aa * d[2], odd_b = d[3] - aa * d[1];
  v[0] = (d[0] + d[4]) - both * d[2];
  v[1] = even_a + a * odd_a;
  v[2] = even_a - a * odd_a;
  v[3] = even_b + b * odd_b;
  v[4] = even_b - b * odd_b;
  v[5] = (d[1] + d[5]) - both * d[3];
}

/// A row of tiles from six lines of a patch.
template <typename Lanes>
[[gnu::always_inline]] inline void input_tiles(std::int64_t inputs, std::int64_t tiles, std::int64_t point, const float* const (&lines)[6],
                                               float* to) {
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    for (std::int64_t c = 0; c < inputs; c += lane_count<Lanes>) {
      Lanes half[6][6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        Lanes d[6], v[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) load_full(d[i], lines[i] + (4 * tile + j) * inputs + c);
        input_line(d, v);
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) half[i][j] = v[i];
      }
      float* place = to + tile * inputs + c;
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) {
        Lanes v[6];
        input_line(half[i], v);
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) store_full(place + (6 * i + j) * point, v[j]);
      }
    }
  }
}

/// Aᵀ m.
template <typename Lanes>
[[gnu::always_inline]] inline void output_line(const Lanes (&m)[6], Lanes (&y)[4]) {
  constexpr float a = point_a, b = point_b, aa = square_a, bb = square_b;
  constexpr float cube_a = square_a * point_a, cube_b = square_b * point_b;
  const Lanes even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
  y[0] = m[0] + even_a + even_b;
  y[1] = a * odd_a + b * odd_b;
  y[2] = aa * even_a + bb * even_b;
  y[3] = m[5] + cube_a * odd_a + cube_b * odd_b;
}

/// One row of tiles, whose moments are added to: channels `from` to before `to`, of products [36, tiles, to − from].
template <typename Lanes>
[[gnu::always_inline]] inline void output_tiles(const FusedConvolution& of, std::int64_t row, std::int64_t first_tile, std::int64_t tiles,
                                                std::int64_t from, std::int64_t to, std::int64_t point, const float* products) {
  const auto outputs = of.outputs, line = of.width * outputs;
  const auto height = std::min<std::int64_t>(4, of.height - 4 * row);
  float* moments = of.moments + 2 * row * outputs;
  const float* added = of.beside_weights ? of.y : of.kept;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const auto column = 4 * (first_tile + tile), width = std::min<std::int64_t>(4, of.width - column);
    for (auto c = from; c < to; c += lane_count<Lanes>) {
      Lanes half[4][6], bias, sum, squares, v;
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        Lanes m[6], y[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) load_full(m[i], products + (6 * i + j) * point + tile * (to - from) + c - from);
        output_line(m, y);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) half[i][j] = y[i];
      }
      load_full(bias, of.bias + c);
      load_full(sum, moments + c);
      load_full(squares, moments + outputs + c);
      const auto at = 4 * row * line + column * outputs + c;
      for (int i = 0; i < height; ++i) {
        Lanes y[4];
        output_line(half[i], y);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          if (j >= width) break;
          const auto pixel = at + i * line + j * outputs;
          y[j] += bias;
          if (added) {
            load_full(v, added + pixel);
            y[j] += v;
          }
          store_full(of.y + pixel, y[j]);
          sum += y[j];
          squares += y[j] * y[j];
        }
      }
      store_full(moments + c, sum);
      store_full(moments + outputs + c, squares);
    }
  }
}

/// y [rows, panels · 16] = x [rows, inner] · w, or added to it where `more`; w in panels of 16 columns that are so far apart.
struct PanelProduct {
  std::int64_t rows, inner;
  const float* x;
  std::int64_t row_x;
  const float* w;
  std::int64_t apart;
  float* y;
  std::int64_t row_y;
  bool more;
};

/// `count` rows from `row` on: the sums fill the registers.
template <typename Lanes, int count, int panels>
[[gnu::always_inline]] inline void panel_block(const PanelProduct& of, std::int64_t row) {
  constexpr int width = lane_count<Lanes>, parts = panel / width, across = panels * parts;
  const float *x = of.x + row * of.row_x, *w = of.w;
  float* y = of.y + row * of.row_y;
  const auto row_x = of.row_x, row_y = of.row_y, apart = of.apart;
  Lanes sum[count][across];
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) {
#pragma GCC unroll 16
    for (int part = 0; part < across; ++part) {
      sum[i][part] = Lanes{};
      if (of.more) load_full(sum[i][part], y + i * row_y + part * width);
    }
  }
  for (std::int64_t k = 0; k < of.inner; ++k, w += panel) {
    Lanes factor[across];
#pragma GCC unroll 16
    for (int part = 0; part < across; ++part) load_full(factor[part], w + part / parts * apart + part % parts * width);
#pragma GCC unroll 16
    for (int i = 0; i < count; ++i) {
#pragma GCC unroll 16
      for (int part = 0; part < across; ++part) sum[i][part] += factor[part] * x[i * row_x + k];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i) {
#pragma GCC unroll 16
    for (int part = 0; part < across; ++part) store_full(y + i * row_y + part * width, sum[i][part]);
  }
}

template <typename Lanes, int most, int panels>
[[gnu::always_inline]] inline void panel_rows(const PanelProduct& of, std::int64_t count, std::int64_t row) {
  if (count == most) {
    panel_block<Lanes, most, panels>(of, row);
  } else if constexpr (most > 1) {
    panel_rows<Lanes, most - 1, panels>(of, count, row);
  }
}

template <typename Lanes, int most, int panels>
[[gnu::always_inline]] inline void panel_product(const PanelProduct& of) {
  std::int64_t row = 0;
  for (auto left = (of.rows + most - 1) / most; left > 0; --left) {  // blocks of nearly as many rows
    const auto count = (of.rows - row + left - 1) / left;
    panel_rows<Lanes, most, panels>(of, count, row);
    row += count;
  }
}

/// What stands beside, of pixels of some lines and channels from `channel` on, into y.
template <typename Lanes, int most, int panels>
[[gnu::always_inline]] inline void beside_product(const FusedConvolution& of, std::int64_t first_line, std::int64_t last_line,
                                                  std::int64_t first_column, std::int64_t pixels, std::int64_t channel) {
  const auto wide = of.beside[0].channels + of.beside[1].channels;
  for (auto line = first_line; line < last_line; ++line) {
    const auto pixel = line * of.width + first_column;
    std::int64_t before = 0;
    for (const auto& source : of.beside) {
      if (source.channels > 0)
        panel_product<Lanes, most, panels>({pixels, source.channels, source.x + pixel * source.channels, source.channels,
                                            of.beside_weights + channel * wide + before * panel, wide * panel,
                                            of.y + pixel * of.outputs + channel, of.outputs, before > 0});
      before += source.channels;
    }
  }
}

/// Fetches what the products of `point` leave time for: a share of the pixels that will be written, and added, after the last of them.
[[gnu::always_inline]] inline void fetch_share(const FusedConvolution& of, std::int64_t row, std::int64_t rows, std::int64_t tile, std::int64_t tiles,
                                               std::int64_t from, std::int64_t to, std::int64_t point) {
  const auto across = 4 * tiles, pixels = 4 * rows * across;
  for (auto p = point * pixels / winograd_points; p < (point + 1) * pixels / winograd_points; ++p) {
    const auto y = 4 * row + p / across, x = 4 * tile + p % across;
    if (y >= of.height || x >= of.width) continue;
    const auto at = (y * of.width + x) * of.outputs;
    for (auto c = from; c < to; c += panel) {
      __builtin_prefetch(of.y + at + c, 1);
      if (of.kept) __builtin_prefetch(of.kept + at + c);
    }
  }
}

/// Some rows of tiles that are transformed, and channels from `channel` on: products, and back.
template <typename Lanes, int most, int panels>
[[gnu::always_inline]] inline void output_panels(const FusedConvolution& of, const TilePass& pass, std::int64_t row, std::int64_t rows,
                                                 std::int64_t tile, std::int64_t tiles, std::int64_t channel, const float* transformed,
                                                 float* products) {
  constexpr auto columns = panels * panel;
  const auto apart = winograd_points * of.inputs * panel, points = winograd_points;
  const float* weights = of.weights + channel / panel * apart;
  for (std::int64_t point = 0; point < points; ++point) {
    fetch_share(of, row, rows, tile, tiles, channel, channel + columns, point);
    panel_product<Lanes, most, panels>({rows * tiles, of.inputs, transformed + point * pass.point_in, of.inputs, weights + point * of.inputs * panel,
                                        apart, products + point * pass.point_out, columns, false});
  }
  if (of.beside_weights) {
    const auto pixels = std::min(4 * tiles, of.width - 4 * tile);
    beside_product<Lanes, most, panels>(of, 4 * row, std::min(of.height, 4 * (row + rows)), 4 * tile, pixels, channel);
  }
  for (std::int64_t i = 0; i < rows; ++i)
    output_tiles<Lanes>(of, row + i, tile, tiles, channel, channel + columns, pass.point_out, products + i * tiles * columns);
}

template <typename Lanes, int most, int panels>
[[gnu::always_inline]] inline void convolution(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch) {
  const TilePass pass(of);
  const auto inputs = of.inputs, outputs = of.outputs, across = of.tiles_across();
  float* patch = scratch;
  float* transformed = patch + patch_lines * pass.line;
  float* products = transformed + winograd_points * pass.point_in;
  std::memset(of.moments + 2 * first * outputs, 0, static_cast<std::size_t>(2 * (last - first) * outputs) * sizeof(float));
  for (std::int64_t tile = 0; tile < across; tile += tiles_across_once) {
    const auto tiles = std::min(tiles_across_once, across - tile);
    for (auto row = first; row < last; row += pass.rows) {
      const auto rows = std::min(pass.rows, last - row);
      for (auto i = row; i < row + rows; ++i) {
        const float* lines[6];
        for (std::int64_t y = 0; y < 6; ++y) {
          float* line = patch + (4 * i + y) % patch_lines * pass.line;
          if (i == first || y > 1) patch_row<Lanes>(of, 4 * i - 1 + y, tile, tiles, line);  // the first two were the last ones before
          lines[y] = line;
        }
        input_tiles<Lanes>(inputs, tiles, pass.point_in, lines, transformed + (i - row) * tiles * inputs);
      }
      std::int64_t channel = 0;
      for (; channel + panels * panel <= outputs; channel += panels * panel)
        output_panels<Lanes, most, panels>(of, pass, row, rows, tile, tiles, channel, transformed, products);
      if constexpr (panels > 1) {
        if (channel < outputs) output_panels<Lanes, most, 1>(of, pass, row, rows, tile, tiles, channel, transformed, products);
      }
    }
  }
}

}  // namespace

std::int64_t winograd_scratch(const FusedConvolution& of) {
  const TilePass pass(of);
  return patch_lines * pass.line + winograd_points * (pass.point_in + pass.point_out);
}

void pack_winograd(std::int64_t outputs, std::int64_t inputs, std::int64_t from, std::int64_t to, const float* weights, float* packed) {
  // G g Gᵀ: a row holds the powers of its point by Π (p − q) over the others.
  constexpr double by_a = 1 / (2 * square_a * (square_a - square_b)), by_b = 1 / (2 * square_b * (square_b - square_a));
  constexpr double g[6][3] = {{1, 0, 0},
                              {by_a, point_a * by_a, square_a * by_a},
                              {by_a, -point_a * by_a, square_a * by_a},
                              {by_b, point_b * by_b, square_b * by_b},
                              {by_b, -point_b * by_b, square_b * by_b},
                              {0, 0, 1}};
  const auto wide = padded(inputs), columns = padded(outputs);
  for (std::int64_t column = 0; column < columns; column += panel) {
    for (auto c = from; c < to; ++c) {
      double w[3][3][panel] = {}, half[6][3][panel];
      const auto there = c < inputs ? std::min(panel, outputs - column) : 0;
      for (std::int64_t o = 0; o < there; ++o) {
        const float* kernel = weights + ((column + o) * inputs + c) * 9;
        for (int k = 0; k < 9; ++k) w[k / 3][k % 3][o] = kernel[k];
      }
      for (int i = 0; i < 6; ++i) {
        for (int j = 0; j < 3; ++j) {
          for (std::int64_t o = 0; o < panel; ++o) half[i][j][o] = g[i][0] * w[0][j][o] + g[i][1] * w[1][j][o] + g[i][2] * w[2][j][o];
        }
      }
      for (int i = 0; i < 6; ++i) {
        for (int j = 0; j < 6; ++j) {
          float* place = packed + ((column / panel * winograd_points + 6 * i + j) * wide + c) * panel;
          for (std::int64_t o = 0; o < panel; ++o)
            place[o] = static_cast<float>(half[i][0][o] * g[j][0] + half[i][1][o] * g[j][1] + half[i][2][o] * g[j][2]);
        }
      }
    }
  }
}

void fused_convolution_plain(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch) {
  convolution<LanesOf<4>, 2, 1>(of, first, last, scratch);
}

#ifdef DREAM_X86_VERSIONS
[[gnu::target("arch=x86-64-v3")]] void fused_convolution_v3(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch) {
  convolution<LanesOf<8>, 6, 1>(of, first, last, scratch);
}
[[gnu::target("arch=x86-64-v4")]] void fused_convolution_v4(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch) {
  convolution<LanesOf<16>, 8, 2>(of, first, last, scratch);
}
#endif

void fused_convolution(const FusedConvolution& of, std::int64_t first, std::int64_t last, float* scratch) {
#ifdef DREAM_X86_VERSIONS
  static const auto best = __builtin_cpu_supports("x86-64-v4")   ? fused_convolution_v4
                           : __builtin_cpu_supports("x86-64-v3") ? fused_convolution_v3
                                                                 : fused_convolution_plain;
  best(of, first, last, scratch);
#else
  fused_convolution_plain(of, first, last, scratch);
#endif
}

}  // namespace dream
