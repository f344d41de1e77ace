// A film as MP4, by FFmpeg's libraries: H.264 where they have libx264, else MPEG-4.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include "api/error.h"
#include "ui/record/film_file.h"

namespace dream::ui {
namespace {

template <auto release>
struct ByAddress {  // FFmpeg's way: the pointer is cleared as well
  template <class T>
  void operator()(T* held) const {
    release(&held);
  }
};
struct CloseMuxer {
  void operator()(AVFormatContext* muxer) const {
    avio_closep(&muxer->pb);
    avformat_free_context(muxer);
  }
};

const AVCodec* film_codec() {
  const AVCodec* h264 = avcodec_find_encoder_by_name("libx264");
  return h264 ? h264 : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

class Mp4 : public FilmFile {
 public:
  explicit Mp4(const FilmSpec& spec)
      : spec_(spec), wide_(spec.width + spec.width % 2), high_(spec.height + spec.height % 2) {
    av_log_set_level(AV_LOG_ERROR);
    const AVCodec* codec = film_codec();
    if (!codec) throw Error(why_no_mp4());
    AVFormatContext* made = nullptr;
    check(avformat_alloc_output_context2(&made, nullptr, "mp4", spec.file.string().c_str()));
    muxer_.reset(made);
    encoder_.reset(avcodec_alloc_context3(codec));
    encoder_->width = wide_, encoder_->height = high_;
    encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder_->color_range = AVCOL_RANGE_MPEG, encoder_->colorspace = AVCOL_SPC_SMPTE170M;  // as swscale converts
    encoder_->framerate = av_d2q(spec.rate, 1000);
    encoder_->time_base = av_inv_q(encoder_->framerate);
    encoder_->thread_count = static_cast<int>(std::clamp(std::thread::hardware_concurrency() / 2, 1u, 4u));
    if (muxer_->oformat->flags & AVFMT_GLOBALHEADER) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_H264) {
      // A window is large and stands still for the most part; a world is small and moves all over.
      av_opt_set(encoder_->priv_data, "preset", wide_ * high_ > 1200 * 600 ? "ultrafast" : "veryfast", 0);
      av_opt_set(encoder_->priv_data, "crf", "18", 0);
    } else {
      encoder_->flags |= AV_CODEC_FLAG_QSCALE;
      encoder_->global_quality = 3 * FF_QP2LAMBDA;
    }
    check(avcodec_open2(encoder_.get(), codec, nullptr));
    stream_ = avformat_new_stream(muxer_.get(), nullptr);
    if (!stream_) check(AVERROR(ENOMEM));
    check(avcodec_parameters_from_context(stream_->codecpar, encoder_.get()));
    stream_->time_base = encoder_->time_base;
    stream_->avg_frame_rate = encoder_->framerate;
    check(avio_open(&muxer_->pb, spec.file.string().c_str(), AVIO_FLAG_WRITE));
    check(avformat_write_header(muxer_.get(), nullptr));
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
    frame_->format = encoder_->pix_fmt, frame_->width = wide_, frame_->height = high_;
    check(av_frame_get_buffer(frame_.get(), 0));
    scaler_.reset(sws_getContext(wide_, high_, AV_PIX_FMT_RGB24, wide_, high_, encoder_->pix_fmt, SWS_POINT, nullptr,
                                 nullptr, nullptr));
    if (!scaler_) check(AVERROR(ENOMEM));
  }

  void add(const Image& rgb, std::int64_t at) override {
    const std::uint8_t* rows[] = {even(rgb), nullptr, nullptr, nullptr};
    const int strides[] = {3 * wide_, 0, 0, 0};
    check(av_frame_make_writable(frame_.get()));
    sws_scale(scaler_.get(), rows, strides, 0, high_, frame_->data, frame_->linesize);
    frame_->pts = at;
    check(avcodec_send_frame(encoder_.get(), frame_.get()));
    put_packets();
  }

  void finish(std::int64_t) override {
    check(avcodec_send_frame(encoder_.get(), nullptr));
    put_packets();
    check(av_write_trailer(muxer_.get()));
    count();
    check(avio_closep(&muxer_->pb));
  }

  std::uintmax_t bytes() const override { return bytes_; }

 private:
  void check(int result) const {
    if (result >= 0) return;
    char why[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(result, why, sizeof why);
    throw Error(spec_.file.string() + " cannot be written: " + why);
  }

  /// H.264 halves the colours' size, so pictures are of even size: the last row and column are there twice.
  const std::uint8_t* even(const Image& rgb) {
    if (wide_ == rgb.width && high_ == rgb.height) return rgb.pixels.data();
    const std::size_t from = static_cast<std::size_t>(rgb.width) * 3, to = static_cast<std::size_t>(wide_) * 3;
    padded_.resize(to * static_cast<std::size_t>(high_));
    for (int y = 0; y < high_; ++y) {
      std::uint8_t* row = &padded_[static_cast<std::size_t>(y) * to];
      std::memcpy(row, &rgb.pixels[static_cast<std::size_t>(std::min(y, rgb.height - 1)) * from], from);
      if (to > from) std::memcpy(row + from, row + from - 3, 3);
    }
    return padded_.data();
  }

  void count() { bytes_ = static_cast<std::uintmax_t>(std::max<std::int64_t>(avio_size(muxer_->pb), 0)); }

  void put_packets() {
    for (int got = 0; got >= 0;) {
      got = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return;
      check(got);
      av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
      packet_->stream_index = stream_->index;
      check(av_interleaved_write_frame(muxer_.get(), packet_.get()));
      check(muxer_->pb->error);
      count();
    }
  }

  FilmSpec spec_;
  int wide_, high_;  // even
  std::unique_ptr<AVFormatContext, CloseMuxer> muxer_;
  std::unique_ptr<AVCodecContext, ByAddress<avcodec_free_context>> encoder_;
  std::unique_ptr<AVFrame, ByAddress<av_frame_free>> frame_;
  std::unique_ptr<AVPacket, ByAddress<av_packet_free>> packet_;
  struct FreeScaler {
    void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
  };
  std::unique_ptr<SwsContext, FreeScaler> scaler_;
  AVStream* stream_ = nullptr;  // the muxer's
  std::vector<std::uint8_t> padded_;
  std::uintmax_t bytes_ = 0;
};

}  // namespace

std::string why_no_mp4() {
  return film_codec() ? "" : "FFmpeg's libraries on this machine can encode neither H.264 nor MPEG-4.";
}

std::unique_ptr<FilmFile> begin_mp4(const FilmSpec& spec) {
  return std::make_unique<Mp4>(spec);
}

}  // namespace dream::ui
