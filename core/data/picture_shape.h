#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dream {

/// How a picture lies among the numbers of an observation: what is taken of it, and where that is.
struct PictureShape {
  std::size_t height = 0, width = 0, channels = 0;  // of what is taken
  std::size_t stored_channels = 0, first_channel = 0, offset = 0;  // offset: of the newest in the stack, numbers
  bool channels_first = false;
  bool operator==(const PictureShape&) const = default;
};

/// What is taken where a picture is of this shape: height x width, with the channels last or first, or a stack of several on a
/// further axis, of which the newest is taken. 1 and 3 channels are a picture, 2 and 4 are greys, 6, 9 and 12 are colours, one
/// after another; but 4 channels that come last are RGB with alpha, which is not taken. None for other shapes.
std::optional<PictureShape> picture_shape(const std::vector<std::uint64_t>& shape);

/// What the numbers of a picture are, where it is none of bytes: from which one that is black to which one that is white.
struct Greys {
  float black = 0, white = 255;
  bool operator==(const Greys&) const = default;
};

/// By the numbers themselves, finite ones: from 0 to 1 and from -1 to 1, where some are negative, of `fractions`; or whole ones from 0 to 255.
/// None for others.
std::optional<Greys> greys_of(const std::vector<float>& values, bool fractions);
/// "0 to 255".
std::string range_of(const Greys& greys);

/// What of such a picture is not taken, in words, or "".
std::string not_taken(const PictureShape& shape);

/// What is taken of the picture among an observation's `values`, each as `convert` makes it a byte.
template <typename Value, typename Convert>
void take_pixels(const Value* values, const PictureShape& p, std::uint8_t* out, const Convert& convert) {
  const auto* from = values + p.offset;
  for (std::size_t pixel = 0; pixel < p.height * p.width; ++pixel) {
    for (std::size_t c = p.first_channel; c < p.first_channel + p.channels; ++c)
      *out++ = convert(p.channels_first ? from[c * p.height * p.width + pixel] : from[pixel * p.stored_channels + c]);
  }
}

}  // namespace dream
