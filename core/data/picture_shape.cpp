#include "core/data/picture_shape.h"

#include <algorithm>
#include <cmath>

#include "core/base/text.h"

namespace dream {

std::optional<PictureShape> picture_shape(const std::vector<std::uint64_t>& shape) {
  PictureShape p;
  if (shape.size() == 4) {  // several, one after another: the newest
    auto one = picture_shape({shape.begin() + 1, shape.end()});
    if (!one || shape[0] > 64) return std::nullopt;
    one->offset += static_cast<std::size_t>((shape[0] - 1) * shape[1] * shape[2] * shape[3]);
    return one;
  }
  if (shape.size() != 2 && shape.size() != 3) return std::nullopt;
  const auto kept = [](std::uint64_t channels) -> std::size_t {
    if (channels == 1 || channels == 2 || channels == 4) return 1;
    return channels > 0 && channels <= 12 && channels % 3 == 0 ? 3 : 0;
  };
  const std::uint64_t last = shape.size() == 3 ? shape[2] : 1;
  if (kept(last) > 0 && (shape.size() == 2 || std::min(shape[0], shape[1]) >= last)) {
    p.height = shape[0], p.width = shape[1], p.stored_channels = last;
  } else if (shape.size() == 3 && kept(shape[0]) > 0 && std::min(shape[1], shape[2]) >= shape[0]) {
    p.height = shape[1], p.width = shape[2], p.stored_channels = shape[0], p.channels_first = true;
  } else {
    return std::nullopt;
  }
  const bool alpha = p.stored_channels == 4 && !p.channels_first;
  p.channels = alpha ? 3 : kept(p.stored_channels);
  p.first_channel = alpha ? 0 : p.stored_channels - p.channels;
  return p;
}

std::string not_taken(const PictureShape& p) {
  if (p.stored_channels == 4 && p.channels == 3)
    return "the fourth channel, taken for alpha: height × width × 4 is RGB with alpha, 4 × height × width four greys";
  if (p.first_channel > 0)
    return "all but the newest of the " + std::to_string(p.stored_channels / p.channels) + (p.channels == 1 ? " greys" : " pictures") + " on its channels";
  return p.offset > 0 ? "all but the newest of the pictures on its first axis" : "";
}

std::optional<Greys> greys_of(const std::vector<float>& values, bool fractions) {
  if (values.empty() || !std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) return std::nullopt;
  const auto [low, high] = std::ranges::minmax(values);
  if (fractions && high <= 1 && low >= -1) return Greys{low < 0 ? -1.0f : 0.0f, 1};
  const bool whole = std::ranges::all_of(values, [](float v) { return v == std::floor(v); });
  return whole && low >= 0 && high <= 255 ? std::optional(Greys{}) : std::nullopt;
}

std::string range_of(const Greys& greys) {
  return number_text(double{greys.black}) + " to " + number_text(double{greys.white});
}

}  // namespace dream
