#include "core/data/video_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>

#include "api/error.h"
#include "core/data/video_library.h"

namespace dream {
namespace {

constexpr std::int64_t worth_a_jump = 32;  // frames to the key frame, from which on going there beats decoding
constexpr int most_side = 16384;
constexpr double missing_share = 0.02, least_missing = 1;  // of a film's length, seconds: what must be missing for a cut-off file

/// Containers of one film each. Lists that lead to other files and addresses are none of them.
constexpr const char* containers = "mov,matroska,avi,gif,mpeg,mpegts,mpegvideo,m4v,flv,ogg,asf,ivf,h264,hevc,apng";

[[noreturn]] void fail_video(const std::filesystem::path& file, const std::string& what) {
  throw Error("'" + file.string() + "' " + what + ".");
}

std::string frame_text(const VideoIndex& index, std::int64_t frame) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.2f", index.time(static_cast<std::size_t>(frame)));
  return "frame " + std::to_string(frame) + " of " + std::to_string(index.frames()) + ", at " + seconds + " s";
}

/// A file that is read and decoded from its beginning on, or from where it was sought to.
class OpenVideo {
 public:
  /// `sound`: other streams are gone through as well, for film_missing().
  explicit OpenVideo(const std::filesystem::path& path, bool sound = false) : path_(path), packet_(av_packet_alloc()), frame_(av_frame_alloc()) {
    av_log_set_level(AV_LOG_FATAL);  // what is wrong is said in sentences
    AVDictionary* options = nullptr;
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    av_dict_set(&options, "format_whitelist", containers, 0);
    AVFormatContext* opened = nullptr;
    const int found = avformat_open_input(&opened, ("file:" + path.string()).c_str(), nullptr, &options);
    av_dict_free(&options);
    if (found < 0) fail_video(path, "is no video that can be read: " + video::reason(found));
    demuxer_.reset(opened);
    if (const int known = avformat_find_stream_info(opened, nullptr); known < 0)
      fail_video(path, "is no video that can be read: " + video::reason(known));
    const int chosen = av_find_best_stream(opened, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (chosen < 0) fail_video(path, "holds no moving pictures");
    for (unsigned i = 0; i < opened->nb_streams; ++i)
      if (static_cast<int>(i) != chosen && !sound) opened->streams[i]->discard = AVDISCARD_ALL;
    stream_ = opened->streams[chosen];
    const auto& coded = *stream_->codecpar;
    const AVCodec* codec = avcodec_find_decoder(coded.codec_id);
    if (!codec) fail_video(path, std::string("is coded as ") + avcodec_get_name(coded.codec_id) + ", which FFmpeg's libraries here cannot decode");
    if (coded.width < 1 || coded.height < 1 || coded.width > most_side || coded.height > most_side)
      fail_video(path, "has pictures of " + std::to_string(coded.width) + " × " + std::to_string(coded.height) + "; 1 to " +
                           std::to_string(most_side) + " pixels on each side were expected");
    decoder_.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(decoder_.get(), &coded);
    decoder_->pkt_timebase = stream_->time_base;
    // Frames wait for the ones they lean on: twice as many threads as processors are a fifth faster than as many.
    decoder_->thread_count = static_cast<int>(std::clamp(2 * std::thread::hardware_concurrency(), 2u, 16u));
    decoder_->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
    if (const int ready = avcodec_open2(decoder_.get(), codec, nullptr); ready < 0)
      fail_video(path, "cannot be decoded: " + video::reason(ready));
  }

  const AVStream& stream() const { return *stream_; }
  const AVCodecContext& decoder() const { return *decoder_; }
  const AVPacket& packet() const { return *packet_; }
  const AVFrame& frame() const { return *frame_; }
  bool untouched() const { return untouched_; }

  /// The next packet of the pictures; false at the end. `result`: why it ended.
  bool next_packet(int* result = nullptr) {
    untouched_ = false;
    for (;;) {
      av_packet_unref(packet_.get());
      const int got = av_read_frame(demuxer_.get(), packet_.get());
      if (got < 0) {
        if (result) *result = got;
        return false;
      }
      if (packet_->pts != AV_NOPTS_VALUE && packet_->stream_index >= 0) {
        const auto unit = av_q2d(demuxer_->streams[packet_->stream_index]->time_base);
        reached_ = std::max(reached_, static_cast<double>(packet_->pts + packet_->duration) * unit);
      }
      if (packet_->stream_index == stream_->index) return true;
    }
  }

  /// Seconds of the film, by its head, that have not been read. Matroska just ends where it was cut off; others say so.
  double film_missing() const {
    if (!std::strstr(demuxer_->iformat->name, "matroska") || demuxer_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM || demuxer_->duration <= 0) return 0;
    const double length = static_cast<double>(demuxer_->duration) / AV_TIME_BASE,
                 began = demuxer_->start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(demuxer_->start_time) / AV_TIME_BASE;
    const double missing = began + length - reached_;
    return missing > std::max(least_missing, missing_share * length) ? missing : 0;
  }

  /// The next frame, in the order in which they are seen; false at the end. What cannot be decoded is missing among them.
  bool next_frame() {
    for (int failures = 0; failures < 256;) {
      const int got = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (got >= 0) return true;
      if (got == AVERROR_EOF) return false;
      if (drained_) {
        ++failures;
        continue;
      }
      if (!std::exchange(held_, false) && !next_packet()) {
        avcodec_send_packet(decoder_.get(), nullptr);
        drained_ = true;
        continue;
      }
      avcodec_send_packet(decoder_.get(), packet_.get());
    }
    return false;
  }

  /// Goes where decoding can begin; false where the file does not lead there.
  bool seek(const VideoIndex::Key& key) {
    // Some containers look up when frames are stored, others when they are seen; the former is never later.
    const auto stamp = key.stored == AV_NOPTS_VALUE ? key.stamp : std::min(key.stamp, key.stored);
    if (avformat_seek_file(demuxer_.get(), stream_->index, std::numeric_limits<std::int64_t>::min(), stamp, stamp, 0) < 0) return false;
    return skip_to(key);
  }
  /// Likewise by reading on.
  bool skip_to(const VideoIndex::Key& key) {
    avcodec_flush_buffers(decoder_.get());
    drained_ = false, held_ = false;
    while (next_packet()) {
      if (!(packet_->flags & AV_PKT_FLAG_KEY)) continue;
      if (packet_->pts == key.stamp) return held_ = true;
      if (packet_->pts > key.stamp) return false;
    }
    return false;
  }

 private:
  std::filesystem::path path_;
  video::Demuxer demuxer_;
  video::Codec decoder_;
  video::Packet packet_;
  video::Frame frame_;
  AVStream* stream_ = nullptr;  // the demuxer's
  double reached_ = 0;          // the end of the latest packet, seconds
  bool drained_ = false, held_ = false, untouched_ = true;  // held_: the packet is yet to be decoded
};

/// Quarter turns to the right.
int turns_of(const AVStream& stream) {
  const std::uint8_t* matrix = nullptr;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const auto& coded = *stream.codecpar;
  if (const auto* found = av_packet_side_data_get(coded.coded_side_data, coded.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
      found && found->size >= 9 * sizeof(std::int32_t))
    matrix = found->data;
#else
  for (int i = 0; i < stream.nb_side_data; ++i)
    if (stream.side_data[i].type == AV_PKT_DATA_DISPLAYMATRIX) matrix = stream.side_data[i].data;
#endif
  if (!matrix) return 0;
  std::int32_t numbers[9];
  std::memcpy(numbers, matrix, sizeof numbers);
  const double angle = -av_display_rotation_get(numbers);
  return std::isfinite(angle) ? static_cast<int>(std::lround(angle / 90) + 8) % 4 : 0;
}

/// How much wider than high a pixel is seen.
double width_of_pixel(AVRational ratio) {
  return ratio.num > 0 && ratio.den > 0 ? av_q2d(ratio) : 1;
}

/// Frames as squares. Made anew where the frames change within a film.
class Square {
 public:
  Square(VideoLook look, int turns) : look_(look), turns_(turns), stride_((look.size * 3 + 63) / 64 * 64), part_(av_frame_alloc()) {
    scaled_.resize(static_cast<std::size_t>(stride_) * static_cast<std::size_t>(look.size) + 64);
  }

  bool put(const AVFrame& frame, std::uint8_t* out) {
    if (av_frame_ref(part_.get(), &frame) < 0) return false;
    const bool cut = !look_.middle || take_middle();
    const bool ready = cut && prepare();
    if (ready) {
      std::uint8_t* rows[] = {scaled_.data(), nullptr, nullptr, nullptr};
      const int strides[] = {stride_, 0, 0, 0};
      sws_scale(scaler_.get(), part_->data, part_->linesize, 0, part_->height, rows, strides);
      turn(out);
    }
    av_frame_unref(part_.get());
    return ready;
  }

 private:
  bool take_middle() {
    const auto* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(part_->format));
    if (!format) return false;
    const double wide = width_of_pixel(part_->sample_aspect_ratio), side = std::min(part_->width * wide, static_cast<double>(part_->height));
    const auto kept = [](double length, int all) { return std::clamp(static_cast<int>(std::lround(length)), 1, all); };
    const int across = part_->width - kept(side / wide, part_->width), down = part_->height - kept(side, part_->height);
    // A pixel of colour covers several of brightness, and is not cut through.
    const int x = across / 2 >> format->log2_chroma_w << format->log2_chroma_w, y = down / 2 >> format->log2_chroma_h << format->log2_chroma_h;
    part_->crop_left += static_cast<std::size_t>(x), part_->crop_right += static_cast<std::size_t>(across - x);
    part_->crop_top += static_cast<std::size_t>(y), part_->crop_bottom += static_cast<std::size_t>(down - y);
    return av_frame_apply_cropping(part_.get(), AV_FRAME_CROP_UNALIGNED) >= 0;
  }

  bool prepare() {
    // As players do: what says nothing is BT.709 where it is large, else BT.601.
    const bool said = part_->colorspace != AVCOL_SPC_UNSPECIFIED && part_->colorspace != AVCOL_SPC_RGB;
    const int space = said ? part_->colorspace : part_->height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    const Kind kind{part_->width, part_->height, part_->format, space, part_->color_range == AVCOL_RANGE_JPEG};
    if (scaler_ && kind == kind_) return true;
    scaler_.reset(sws_getContext(kind.width, kind.height, static_cast<AVPixelFormat>(kind.format), look_.size, look_.size, AV_PIX_FMT_RGB24,
                                 SWS_AREA | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, nullptr, nullptr, nullptr));
    if (!scaler_) return false;
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(space), kind.full, sws_getCoefficients(SWS_CS_DEFAULT), 0, 0, 1 << 16, 1 << 16);
    kind_ = kind;
    return true;
  }

  void turn(std::uint8_t* out) const {
    const int n = look_.size;
    for (int y = 0; y < n; ++y) {
      if (turns_ == 0) {
        std::memcpy(out + static_cast<std::ptrdiff_t>(y) * n * 3, scaled_.data() + static_cast<std::ptrdiff_t>(y) * stride_, static_cast<std::size_t>(n) * 3);
        continue;
      }
      for (int x = 0; x < n; ++x) {
        const int from_y = turns_ == 1 ? n - 1 - x : turns_ == 2 ? n - 1 - y : x, from_x = turns_ == 1 ? y : turns_ == 2 ? n - 1 - x : n - 1 - y;
        std::memcpy(out + (static_cast<std::ptrdiff_t>(y) * n + x) * 3, scaled_.data() + static_cast<std::ptrdiff_t>(from_y) * stride_ + from_x * 3, 3);
      }
    }
  }

  struct Kind {
    int width = 0, height = 0, format = 0, space = 0;
    bool full = false;
    bool operator==(const Kind&) const = default;
  };
  VideoLook look_;
  int turns_, stride_;
  video::Frame part_;
  video::Scaler scaler_;
  Kind kind_;
  std::vector<std::uint8_t> scaled_;
};

struct StoredFrame {
  std::int64_t seen, stored;
  bool key;
};

/// Every frame as it lies in the file, of those that can be decoded.
std::vector<StoredFrame> stored_frames(OpenVideo& video, const std::filesystem::path& file) {
  std::vector<StoredFrame> found;
  int ended = 0;
  while (video.next_packet(&ended)) {
    const auto& packet = video.packet();
    if (packet.flags & AV_PKT_FLAG_CORRUPT) fail_video(file, "is damaged or cut off at its frame " + std::to_string(found.size()));
    const bool key = (packet.flags & AV_PKT_FLAG_KEY) != 0;
    if (found.empty() && !key) continue;                // nothing can be decoded before
    if (packet.flags & AV_PKT_FLAG_DISCARD) continue;  // decoded for others alone: the film was cut without coding it anew
    found.push_back({packet.pts, packet.dts, key});
  }
  if (ended != AVERROR_EOF) fail_video(file, "is damaged or cut off after " + std::to_string(found.size()) + " frames: " + video::reason(ended));
  if (found.empty()) fail_video(file, "holds no frame that can be decoded");
  if (const double missing = video.film_missing(); missing > 0)
    fail_video(file, "is cut off: of what its head says, " + std::to_string(std::lround(missing)) + " s are missing at its end");
  return found;
}

}  // namespace

std::string why_no_videos() {
  return "";
}

double VideoIndex::rate() const {
  const double seconds = frames() > 1 ? time(frames() - 1) : 0;
  return seconds > 0 ? static_cast<double>(frames() - 1) / seconds : 0;
}

VideoIndex index_video(const std::filesystem::path& file) {
  OpenVideo video(file, true);
  auto stored = stored_frames(video, file);
  VideoIndex index;
  const auto& coded = *video.stream().codecpar;
  index.codec = avcodec_get_name(coded.codec_id);
  index.unit = av_q2d(video.stream().time_base);
  index.width = static_cast<int>(std::lround(coded.width * width_of_pixel(video.stream().sample_aspect_ratio))), index.height = coded.height;
  if (turns_of(video.stream()) % 2 == 1) std::swap(index.width, index.height);
  // What is stored behind the first key frame and seen before it leans on frames that are not there.
  const auto first = stored.front().seen;
  std::erase_if(stored, [&](const StoredFrame& f) { return f.seen != AV_NOPTS_VALUE && f.seen < first; });
  for (const auto& f : stored) index.stamps.push_back(f.seen);
  std::ranges::sort(index.stamps);
  index.stamped = index.stamps.front() != AV_NOPTS_VALUE && std::ranges::adjacent_find(index.stamps) == index.stamps.end();
  if (!index.stamped) {
    // Packets are not always frames then, so the frames themselves are counted.
    OpenVideo counted(file);
    std::int64_t count = 0;
    while (counted.next_frame()) ++count;
    if (count == 0) fail_video(file, "holds no frame that can be decoded");
    index.stamps.resize(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) index.stamps[static_cast<std::size_t>(i)] = i;
    const auto rate = av_q2d(video.stream().avg_frame_rate);
    index.unit = std::isfinite(rate) && rate > 0 ? 1 / rate : 1.0 / 25;
    index.keys = {{0, 0, 0}};
    return index;
  }
  // Pictures that are laid over the one before tell nothing by their own.
  const bool whole_only = coded.codec_id == AV_CODEC_ID_GIF || coded.codec_id == AV_CODEC_ID_APNG;
  for (const auto& f : stored) {
    if (!f.key || (whole_only && !index.keys.empty())) continue;
    const auto frame = std::ranges::lower_bound(index.stamps, f.seen) - index.stamps.begin();
    index.keys.push_back({frame, f.seen, f.stored});
  }
  std::ranges::sort(index.keys, {}, &VideoIndex::Key::frame);
  return index;
}

struct VideoReader::Parts {
  std::filesystem::path file;
  VideoIndex index;
  VideoLook look;
  std::unique_ptr<OpenVideo> video;
  std::unique_ptr<Square> square;
  std::int64_t at = -1;  // the frame that was decoded last; -1: none since it was begun

  void begin() {
    if (!video || !video->untouched()) video = std::make_unique<OpenVideo>(file);
    if (!square) square = std::make_unique<Square>(look, turns_of(video->stream()));
    at = -1;
  }

  void begin_at(const VideoIndex::Key& key) {
    at = -1;
    if (key.frame == index.keys.front().frame) return begin();
    if (video && video->seek(key)) return;
    begin();
    if (!video->seek(key)) {
      begin();
      if (!video->skip_to(key)) fail_video(file, "has changed or is damaged: its key frame at " + frame_text(index, key.frame) + " is not there");
    }
  }

  /// Of the frame that has just been decoded; -1: none of the index.
  std::int64_t number() const {
    if (!index.stamped) return at + 1;
    const auto& frame = video->frame();
    const auto stamp = frame.pts != AV_NOPTS_VALUE ? frame.pts : frame.best_effort_timestamp;
    const auto found = std::ranges::lower_bound(index.stamps, stamp);
    return found != index.stamps.end() && *found == stamp ? found - index.stamps.begin() : -1;
  }

  void decode(std::int64_t wanted) {
    if (wanted == at) return;
    const auto after = std::ranges::upper_bound(index.keys, wanted, {}, &VideoIndex::Key::frame);
    const auto& key = after == index.keys.begin() ? *after : *std::prev(after);
    if (!video || at > wanted || key.frame > at + worth_a_jump || (at < 0 && !video->untouched())) begin_at(key);
    while (at < wanted) {
      if (!video->next_frame()) break;
      if (const auto found = number(); found >= 0) at = found;
    }
    if (at != wanted) {
      at = -1, video.reset();
      fail_video(file, "is damaged: " + frame_text(index, wanted) + " cannot be decoded");
    }
  }
};

VideoReader::VideoReader(std::filesystem::path file, VideoIndex index, VideoLook look)
    : parts_(new Parts{std::move(file), std::move(index), look, nullptr, nullptr}) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const std::filesystem::path& VideoReader::file() const {
  return parts_->file;
}

void VideoReader::read(std::span<const std::int64_t> frames, std::uint8_t* out) {
  const auto bytes = static_cast<std::size_t>(parts_->look.size) * static_cast<std::size_t>(parts_->look.size) * 3;
  for (const auto wanted : frames) {
    if (wanted < 0 || wanted >= static_cast<std::int64_t>(parts_->index.frames()))
      fail_video(parts_->file, "has no frame " + std::to_string(wanted));
    parts_->decode(wanted);
    const auto& frame = parts_->video->frame();
    if (frame.decode_error_flags != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT))
      fail_video(parts_->file, "is damaged: " + frame_text(parts_->index, wanted) + " is decoded with errors");
    if (!parts_->square->put(frame, out)) fail_video(parts_->file, "has pictures of a kind that cannot be scaled, at " + frame_text(parts_->index, wanted));
    out += bytes;
  }
}

}  // namespace dream
