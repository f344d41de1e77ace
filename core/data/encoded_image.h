#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace dream {

/// Unpacks a JPEG, PNG, BMP or PNM of exactly this size into `out` (height x width x channels). Returns "" or what is wrong
/// with it; the words of its message fit behind "frame 12: ".
std::string decode_image(std::span<const std::uint8_t> bytes, int width, int height, int channels,
                         std::span<std::uint8_t> out);

/// How many pixels a JPEG, PNG, BMP or PNM says it has; false where it is none of these.
bool image_size(std::span<const std::uint8_t> bytes, int& width, int& height);

}  // namespace dream
