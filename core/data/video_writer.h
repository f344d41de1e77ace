#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace dream {

/// A video to measure and to test the reading with: H.264 where FFmpeg's libraries have libx264, else MPEG-4. The ending of its
/// name says the container. Films of the window are written elsewhere (ui/record).
class VideoWriter {
 public:
  struct Options {
    int width = 64, height = 64;  // even
    int rate = 30;                // frames per second
    int key_every = 12;           // frames from one key frame to the next, at most
    int reordered = 2;            // frames at a stretch that are stored after the one that follows them
    std::string codec = {};       // an encoder's name; "": as above
  };
  /// Whether there is an encoder of this name; "": of those above.
  static bool can_write(const std::string& codec = {});
  /// Throws dream::Error, like the others, where there is none or the file cannot be written.
  VideoWriter(const std::filesystem::path& file, const Options& options);
  ~VideoWriter();
  void add(const std::uint8_t* rgb);  // uint8 [height, width, 3]
  void finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dream
