#include "tests/ui/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "ui/png.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace dream::ui {

Image read_png(const std::filesystem::path& file) {
  Image image;
  int channels = 0;
  stbi_uc* read = stbi_load(file.string().c_str(), &image.width, &image.height, &channels, 3);
  if (!read) return {};
  image.pixels.assign(read, read + static_cast<std::size_t>(image.width) * image.height * 3);
  stbi_image_free(read);
  return image;
}

void expect_looks_like(const std::string& name, const Image& now, Tolerance tolerance) {
  const std::filesystem::path file = std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests/golden" / (name + ".png");
  if (const char* mode = std::getenv("DREAMSCOPE_GOLDEN"); mode && std::string(mode) == "write") {
    std::filesystem::create_directories(file.parent_path());
    ASSERT_TRUE(write_png(file, now.width, now.height, now.pixels, false));
    return;
  }
  const Image then = read_png(file);
  ASSERT_FALSE(then.pixels.empty()) << file << " is missing: write it with DREAMSCOPE_GOLDEN=write and look at it.";
  ASSERT_EQ(then.width, now.width) << name;
  ASSERT_EQ(then.height, now.height) << name;
  double sum = 0;
  std::size_t far = 0;
  for (std::size_t i = 0; i < then.pixels.size(); ++i) {
    const int off = std::abs(then.pixels[i] - now.pixels[i]);
    sum += off;
    far += off > 40;
  }
  const double mean = sum / static_cast<double>(then.pixels.size()),
               share = static_cast<double>(far) / static_cast<double>(then.pixels.size());
  const bool alike = mean < tolerance.mean && share < tolerance.share;
  const auto drawn = std::filesystem::temp_directory_path() / ("dreamscope-" + file.filename().string());
  if (!alike) write_png(drawn, now.width, now.height, now.pixels, false);
  EXPECT_TRUE(alike) << name << ": mean difference " << mean << " of 255, " << share * 100 << " % far off; what was drawn is "
                     << drawn;
}

}  // namespace dream::ui
