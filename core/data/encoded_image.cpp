#include "core/data/encoded_image.h"

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_BMP
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 8192
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <limits>
#include <memory>

namespace dream {

std::string decode_image(std::span<const std::uint8_t> bytes, int width, int height, int channels,
                         std::span<std::uint8_t> out) {
  if (bytes.empty() || bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return "it is empty or too large; a JPEG, PNG or BMP was expected";
  }
  const int size = static_cast<int>(bytes.size());
  int w = 0, h = 0, c = 0;
  if (!stbi_info_from_memory(bytes.data(), size, &w, &h, &c))
    return "it is no picture that can be read; a JPEG, PNG or BMP was expected";
  if (w != width || h != height) {
    return "it has " + std::to_string(w) + " x " + std::to_string(h) + " pixels, and " + std::to_string(width) + " x " +
           std::to_string(height) + " were expected";
  }
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes.data(), size, &w, &h, &c, channels), stbi_image_free);
  if (!pixels || w != width || h != height) return "it is a damaged picture";
  std::copy_n(pixels.get(), out.size(), out.begin());
  return "";
}

bool image_size(std::span<const std::uint8_t> bytes, int& width, int& height) {
  int channels = 0;
  return !bytes.empty() && bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) &&
         stbi_info_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &channels);
}

}  // namespace dream
