// In the place of video_reader.cpp and video_writer.cpp where the program is built without FFmpeg's libraries.
#include "api/error.h"
#include "core/data/video_reader.h"
#include "core/data/video_writer.h"

namespace dream {

struct VideoReader::Parts {};
struct VideoWriter::Parts {};

std::string why_no_videos() {
  return "this program was built without FFmpeg's libraries, so it reads no videos; with libavformat-dev, libavcodec-dev and "
         "libswscale-dev installed, scripts/setup builds it with them";
}

double VideoIndex::rate() const {
  return 0;
}
VideoIndex index_video(const std::filesystem::path& file) {
  throw Error("'" + file.string() + "': " + why_no_videos());
}
VideoReader::VideoReader(std::filesystem::path file, VideoIndex, VideoLook) {
  index_video(file);
}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;
const std::filesystem::path& VideoReader::file() const {
  throw Error(why_no_videos());
}
void VideoReader::read(std::span<const std::int64_t>, std::uint8_t*) {}

bool VideoWriter::can_write(const std::string&) {
  return false;
}
VideoWriter::VideoWriter(const std::filesystem::path& file, const Options&) {
  throw Error("'" + file.string() + "': this program was built without FFmpeg's libraries, so it writes no videos");
}
VideoWriter::~VideoWriter() = default;
void VideoWriter::add(const std::uint8_t*) {}
void VideoWriter::finish() {}

}  // namespace dream
