#include "answers/png.h"

#include <cstring>
#include <string>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace dream {

std::string png_bytes(int width, int height, const std::vector<unsigned char>& rgb, bool bottom_up) {
  const std::size_t row = static_cast<std::size_t>(width) * 3;
  std::string bytes;
  if (width < 1 || height < 1 || rgb.size() != row * static_cast<std::size_t>(height)) return bytes;
  std::vector<unsigned char> turned;
  if (bottom_up) {
    turned.resize(rgb.size());
    for (int y = 0; y < height; ++y) std::memcpy(&turned[y * row], &rgb[(height - 1 - y) * row], row);
  }
  const auto take = [](void* into, void* data, int count) {
    static_cast<std::string*>(into)->append(static_cast<const char*>(data), static_cast<std::size_t>(count));
  };
  const bool made = stbi_write_png_to_func(take, &bytes, width, height, 3, bottom_up ? turned.data() : rgb.data(), static_cast<int>(row)) != 0;
  return made ? bytes : "";
}

}  // namespace dream
