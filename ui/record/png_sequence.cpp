// A film as a folder of pictures, each named after its time: what stands still has no picture of its own.
#include <cstdio>

#include "api/error.h"
#include "ui/png.h"
#include "ui/record/film_file.h"

namespace dream::ui {
namespace {

class PngSequence : public FilmFile {
 public:
  explicit PngSequence(const FilmSpec& spec) : folder_(spec.file) {
    std::error_code error;
    if (!std::filesystem::create_directory(folder_, error))
      throw Error(folder_.string() + " cannot be made: " + (error ? error.message() : "there is one already"));
  }

  void add(const Image& rgb, std::int64_t at) override {
    char name[32];
    std::snprintf(name, sizeof name, "%06lld.png", static_cast<long long>(at));
    const std::filesystem::path file = folder_ / name;
    if (!write_png(file, rgb.width, rgb.height, rgb.pixels, false))
      throw Error(file.string() + " cannot be written: the disk is full, or the folder is gone");
    std::error_code error;
    bytes_ += std::filesystem::file_size(file, error);
  }

  void finish(std::int64_t) override {}
  std::uintmax_t bytes() const override { return bytes_; }

 private:
  std::filesystem::path folder_;
  std::uintmax_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<FilmFile> begin_png_sequence(const FilmSpec& spec) {
  return std::make_unique<PngSequence>(spec);
}

}  // namespace dream::ui
