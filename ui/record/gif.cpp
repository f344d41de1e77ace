// A film as an animated GIF: a colour table for each picture, endlessly repeated.
#include <gif_lib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <optional>

#include "api/error.h"
#include "ui/record/colour_table.h"
#include "ui/record/film_file.h"

namespace dream::ui {
namespace {

class Gif : public FilmFile {
 public:
  explicit Gif(const FilmSpec& spec) : spec_(spec), out_(spec.file, std::ios::binary | std::ios::trunc) {
    if (!out_) throw Error(spec.file.string() + " cannot be written: choose a folder that you may write to");
    const auto write = [](GifFileType* gif, const GifByteType* bytes, int count) {
      static_cast<Gif*>(gif->UserData)->out_.write(reinterpret_cast<const char*>(bytes), count);
      return static_cast<Gif*>(gif->UserData)->out_ ? count : 0;
    };
    gif_.reset(EGifOpen(this, write, nullptr));
    if (!gif_) refuse();
    EGifSetGifVersion(gif_.get(), true);
    check(EGifPutScreenDesc(gif_.get(), spec.width, spec.height, 8, 0, nullptr));
    const unsigned char for_ever[] = {1, 0, 0};
    check(EGifPutExtensionLeader(gif_.get(), APPLICATION_EXT_FUNC_CODE));
    check(EGifPutExtensionBlock(gif_.get(), 11, "NETSCAPE2.0"));
    check(EGifPutExtensionBlock(gif_.get(), sizeof for_ever, for_ever));
    check(EGifPutExtensionTrailer(gif_.get()));
  }
  void add(const Image& rgb, std::int64_t at) override {
    if (last_) put(at);
    last_ = indexed(rgb), last_at_ = at;
  }

  void finish(std::int64_t end) override {
    if (last_) put(end);
    check(EGifCloseFile(gif_.release(), nullptr));
    count();
    out_.close();
    if (!out_) refuse();
  }

  std::uintmax_t bytes() const override { return bytes_; }

 private:
  struct Close {
    void operator()(GifFileType* gif) const { EGifCloseFile(gif, nullptr); }
  };
  [[noreturn]] void refuse() const { throw Error(spec_.file.string() + " cannot be written: the disk is full"); }
  void check(int result) const {
    if (result != GIF_OK) refuse();
  }

  void count() { bytes_ = static_cast<std::uintmax_t>(std::max<std::streamoff>(out_.tellp(), 0)); }

  /// The last picture, now that it is known how long it is seen. A rate that does not divide 100 is right in the mean.
  void put(std::int64_t until) {
    const auto hundredths = [&](std::int64_t ticks) {
      return static_cast<std::int64_t>(std::llround(100 * static_cast<double>(ticks) / spec_.rate));
    };
    const auto delay = std::clamp<std::int64_t>(hundredths(until) - hundredths(last_at_), 1, 65535);
    const unsigned char control[] = {DISPOSE_DO_NOT << 2, static_cast<unsigned char>(delay & 255),
                                     static_cast<unsigned char>(delay >> 8), 0};
    check(EGifPutExtension(gif_.get(), GRAPHICS_EXT_FUNC_CODE, sizeof control, control));
    const std::size_t size = std::max<std::size_t>(2, std::bit_ceil(last_->colours.size()));
    std::vector<GifColorType> colours(size);
    for (std::size_t i = 0; i < last_->colours.size(); ++i)
      colours[i] = {last_->colours[i][0], last_->colours[i][1], last_->colours[i][2]};
    ColorMapObject* map = GifMakeMapObject(static_cast<int>(size), colours.data());
    if (!map) refuse();
    const int put = EGifPutImageDesc(gif_.get(), 0, 0, spec_.width, spec_.height, false, map);
    GifFreeMapObject(map);
    check(put);
    check(EGifPutLine(gif_.get(), last_->pixels.data(), static_cast<int>(last_->pixels.size())));
    count();
  }

  FilmSpec spec_;
  std::ofstream out_;
  std::unique_ptr<GifFileType, Close> gif_;
  std::optional<Indexed> last_;
  std::int64_t last_at_ = 0;
  std::uintmax_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<FilmFile> begin_gif(const FilmSpec& spec) {
  return std::make_unique<Gif>(spec);
}

}  // namespace dream::ui
