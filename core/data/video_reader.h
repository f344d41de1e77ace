#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dream {

/// Why this program reads no videos; "" where it does.
std::string why_no_videos();

/// The frames of a video in the order in which they are seen, found without decoding them where its file says enough.
struct VideoIndex {
  struct Key {  // where decoding can begin
    std::int64_t frame = 0, stamp = 0, stored = 0;  // its number; when it is seen; when it is decoded (INT64_MIN: not known)
  };
  std::vector<std::int64_t> stamps;  // when each is seen, ascending
  double unit = 1;                   // seconds of a stamp
  bool stamped = true;               // false: the file does not say; frames are counted from the first, which is slow
  std::vector<Key> keys;             // the first frame's, at least
  int width = 0, height = 0;         // as it is seen, pixels
  std::string codec;                 // "h264"

  std::size_t frames() const { return stamps.size(); }
  /// From the first frame, seconds.
  double time(std::size_t frame) const { return static_cast<double>(stamps[frame] - stamps[0]) * unit; }
  double rate() const;  // frames per second, on average; 0 of a single frame
};

/// Reads through a file. Throws dream::Error, in a sentence that names it, where it is no video, one that is cut off, or one
/// whose decoder is missing.
VideoIndex index_video(const std::filesystem::path& file);

/// What becomes of a frame: a square of `size` pixels, of its middle square or of all of it, stretched. Turned as its file
/// says, with its pixels' proportions heeded, averaged over what each pixel covers (swscale's area filter, bit-exact).
struct VideoLook {
  int size = 64;
  bool middle = true;
};

/// Decodes one video by libavcodec, frames ahead in threads of its own. Not thread-safe.
class VideoReader {
 public:
  VideoReader(std::filesystem::path file, VideoIndex index, VideoLook look);
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;
  const std::filesystem::path& file() const;
  /// The frames of these numbers, ascending -> uint8 [frames, size, size, 3] RGB. Fast where they follow what was read last;
  /// otherwise it goes to the key frame before them and decodes from there: the same bytes. Throws dream::Error naming file and
  /// frame where one cannot be decoded.
  void read(std::span<const std::int64_t> frames, std::uint8_t* out);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dream
