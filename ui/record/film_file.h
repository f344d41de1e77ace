#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "api/value.h"

namespace dream::ui {

enum class FilmFormat { mp4, gif, png };

struct FilmSpec {
  std::filesystem::path file;  // of FilmFormat::png: a folder
  int width = 0, height = 0;   // pixels
  double rate = 50;            // ticks per second: the times of pictures count these
};

/// A film that is being written. Pictures come in the order of their times, and each is seen until the next one's. What
/// the disk or the encoder refuses is a dream::Error.
class FilmFile {
 public:
  virtual ~FilmFile() = default;
  virtual void add(const Image& rgb, std::int64_t at) = 0;  // of the film's size, three channels
  virtual void finish(std::int64_t end) = 0;                // the last one is seen until then; the file is whole
  virtual std::uintmax_t bytes() const = 0;                 // written so far
};

/// Throws dream::Error where the file cannot be made, or there is no such encoder.
std::unique_ptr<FilmFile> begin_film(FilmFormat format, const FilmSpec& spec);
std::unique_ptr<FilmFile> begin_gif(const FilmSpec& spec);
std::unique_ptr<FilmFile> begin_png_sequence(const FilmSpec& spec);
std::unique_ptr<FilmFile> begin_mp4(const FilmSpec& spec);

/// Empty where MP4 can be written, else the reason and what to do.
std::string why_no_mp4();

const char* name_of(FilmFormat format);       // "MP4"
const char* extension_of(FilmFormat format);  // ".mp4"; of a sequence, which is a folder: ""

}  // namespace dream::ui
