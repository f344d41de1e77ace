#include "ui/png.h"

#include <cstring>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace dream::ui {

bool write_png(const std::filesystem::path& file, int width, int height, const std::vector<unsigned char>& rgb,
               bool bottom_up) {
  const std::size_t row = static_cast<std::size_t>(width) * 3;
  if (rgb.size() != row * height) return false;
  std::vector<unsigned char> turned;
  if (bottom_up) {
    turned.resize(rgb.size());
    for (int y = 0; y < height; ++y) std::memcpy(&turned[y * row], &rgb[(height - 1 - y) * row], row);
  }
  return stbi_write_png(file.string().c_str(), width, height, 3, bottom_up ? turned.data() : rgb.data(),
                        static_cast<int>(row)) != 0;
}

}  // namespace dream::ui
