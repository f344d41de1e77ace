// In the place of mp4.cpp where the program is built without FFmpeg's libraries.
#include "api/error.h"
#include "ui/record/film_file.h"

namespace dream::ui {

std::string why_no_mp4() {
  return "This program was built without FFmpeg's libraries; with libavformat-dev, libavcodec-dev and libswscale-dev "
         "installed, scripts/setup builds it with them.";
}

std::unique_ptr<FilmFile> begin_mp4(const FilmSpec&) {
  throw Error(why_no_mp4());
}

}  // namespace dream::ui
