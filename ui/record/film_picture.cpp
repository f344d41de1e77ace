#include "ui/record/film_picture.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dream::ui {
namespace {

constexpr int wanted_side = 512;

using Ink = std::array<std::uint8_t, 3>;
constexpr Ink ground{20, 21, 26}, inks[] = {{167, 139, 250}, {74, 222, 128}};  // of the dream and the real world

void fill(Image& rgb, int left, int top, int wide, int high, Ink ink) {
  for (int y = top; y < top + high; ++y) {
    for (int x = left; x < left + wide; ++x)
      std::ranges::copy(ink, &rgb.pixels[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(rgb.width) +
                                              static_cast<std::size_t>(x))]);
  }
}

/// `world` enlarged by a whole factor.
void lay(Image& rgb, int left, int top, const Image& world, int factor) {
  const std::size_t row = 3 * static_cast<std::size_t>(rgb.width);
  for (int y = 0; y < world.height; ++y) {
    std::uint8_t* first =
        &rgb.pixels[static_cast<std::size_t>(top + y * factor) * row + 3 * static_cast<std::size_t>(left)];
    std::uint8_t* to = first;
    for (int x = 0; x < world.width; ++x) {
      const std::uint8_t* from = &world.pixels[(static_cast<std::size_t>(y) * static_cast<std::size_t>(world.width) +
                                                static_cast<std::size_t>(x)) *
                                               static_cast<std::size_t>(world.channels)];
      for (int k = 0; k < factor; ++k)
        for (int c = 0; c < 3; ++c) *to++ = world.channels == 1 ? *from : from[c];
    }
    for (int k = 1; k < factor; ++k)
      std::memcpy(first + static_cast<std::size_t>(k) * row, first, static_cast<std::size_t>(to - first));
  }
}

Image upright(const Image& bgra) {
  Image rgb{bgra.width, bgra.height, 3, {}};
  rgb.pixels.resize(bgra.pixels.size() / 4 * 3);
  std::uint8_t* to = rgb.pixels.data();
  const std::size_t row = static_cast<std::size_t>(bgra.width) * 4;
  for (int y = bgra.height - 1; y >= 0; --y) {
    const std::uint8_t* from = &bgra.pixels[static_cast<std::size_t>(y) * row];
    for (int x = 0; x < bgra.width; ++x, from += 4, to += 3) to[0] = from[2], to[1] = from[1], to[2] = from[0];
  }
  return rgb;
}

}  // namespace

std::size_t FilmPicture::bytes() const {
  std::size_t all = window.pixels.size();
  for (const auto& world : worlds) all += world->pixels.size();
  return all;
}

Image compose(const FilmPicture& picture) {
  if (picture.worlds.empty()) return upright(picture.window);
  const Image& first = *picture.worlds.front();
  const int factor = std::max(1, wanted_side / std::max({first.width, first.height, 1}));
  const int wide = first.width * factor, high = first.height * factor;
  const int count = static_cast<int>(picture.worlds.size());
  const int line = count > 1 ? 8 : 0;
  Image rgb{count * wide + (count - 1) * line, high + line, 3, {}};
  rgb.pixels.resize(static_cast<std::size_t>(rgb.width) * static_cast<std::size_t>(rgb.height) * 3);
  if (line > 0) fill(rgb, 0, 0, rgb.width, rgb.height, ground);
  for (int i = 0; i < count; ++i) {
    const int left = i * (wide + line);
    if (line > 0) fill(rgb, left, 0, wide, line / 2, inks[i % 2]);
    lay(rgb, left, line, *picture.worlds[static_cast<std::size_t>(i)], factor);
  }
  return rgb;
}

}  // namespace dream::ui
