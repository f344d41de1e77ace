#pragma once
#include <filesystem>
#include <vector>

#include "api/value.h"

namespace dream::ui {

/// A frame of a film as it is decoded again.
struct Seen {
  Image picture;       // RGB
  int hundredths = 0;  // of a second: of a GIF how long it is seen, of an MP4 when it comes
};

std::vector<Seen> read_gif(const std::filesystem::path& file);
std::vector<Seen> read_mp4(const std::filesystem::path& file);  // none where FFmpeg's libraries are not there

}  // namespace dream::ui
