#include "ui/record/film_file.h"

namespace dream::ui {

std::unique_ptr<FilmFile> begin_film(FilmFormat format, const FilmSpec& spec) {
  switch (format) {
    case FilmFormat::mp4:
      return begin_mp4(spec);
    case FilmFormat::gif:
      return begin_gif(spec);
    case FilmFormat::png:
      break;
  }
  return begin_png_sequence(spec);
}

const char* name_of(FilmFormat format) {
  return format == FilmFormat::mp4 ? "MP4" : format == FilmFormat::gif ? "GIF" : "PNG";
}

const char* extension_of(FilmFormat format) {
  return format == FilmFormat::mp4 ? ".mp4" : format == FilmFormat::gif ? ".gif" : "";
}

}  // namespace dream::ui
