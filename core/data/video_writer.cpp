#include "core/data/video_writer.h"

#include "api/error.h"
#include "core/data/video_library.h"

namespace dream {
namespace {

struct CloseVideo {
  void operator()(AVFormatContext* muxer) const {
    avio_closep(&muxer->pb);
    avformat_free_context(muxer);
  }
};

const AVCodec* encoder_named(const std::string& name) {
  if (!name.empty()) return avcodec_find_encoder_by_name(name.c_str());
  const AVCodec* h264 = avcodec_find_encoder_by_name("libx264");
  return h264 ? h264 : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

}  // namespace

struct VideoWriter::Parts {
  std::filesystem::path file;
  Options options;
  std::unique_ptr<AVFormatContext, CloseVideo> muxer;
  video::Codec encoder;
  video::Frame frame;
  video::Packet packet;
  video::Scaler scaler;
  AVStream* stream = nullptr;  // the muxer's
  std::int64_t count = 0;

  void check(int result) const {
    if (result < 0) throw Error("'" + file.string() + "' cannot be written: " + video::reason(result));
  }
  void put_packets() {
    for (;;) {
      const int got = avcodec_receive_packet(encoder.get(), packet.get());
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return;
      check(got);
      av_packet_rescale_ts(packet.get(), encoder->time_base, stream->time_base);
      packet->stream_index = stream->index;
      check(av_interleaved_write_frame(muxer.get(), packet.get()));
    }
  }
};

bool VideoWriter::can_write(const std::string& codec) {
  return encoder_named(codec) != nullptr;
}

VideoWriter::VideoWriter(const std::filesystem::path& file, const Options& options) : parts_(new Parts{file, options, {}, {}, {}, {}, {}}) {
  auto& p = *parts_;
  const AVCodec* codec = encoder_named(options.codec);
  if (!codec) throw Error("'" + file.string() + "' cannot be written: FFmpeg's libraries here have no encoder for it");
  av_log_set_level(AV_LOG_ERROR);
  AVFormatContext* made = nullptr;
  p.check(avformat_alloc_output_context2(&made, nullptr, nullptr, file.string().c_str()));
  p.muxer.reset(made);
  p.encoder.reset(avcodec_alloc_context3(codec));
  auto& encoder = *p.encoder;
  encoder.width = options.width, encoder.height = options.height;
  encoder.pix_fmt = codec->id == AV_CODEC_ID_GIF ? AV_PIX_FMT_RGB8 : AV_PIX_FMT_YUV420P;
  encoder.framerate = {options.rate, 1}, encoder.time_base = {1, options.rate};
  encoder.gop_size = options.key_every, encoder.max_b_frames = options.reordered;
  if (made->oformat->flags & AVFMT_GLOBALHEADER) encoder.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (codec->id == AV_CODEC_ID_H264) {
    av_opt_set(encoder.priv_data, "preset", "veryfast", 0);
    av_opt_set(encoder.priv_data, "crf", "20", 0);
  } else if (codec->id == AV_CODEC_ID_MPEG4) {
    encoder.flags |= AV_CODEC_FLAG_QSCALE;
    encoder.global_quality = 3 * FF_QP2LAMBDA;
  }
  p.check(avcodec_open2(&encoder, codec, nullptr));
  p.stream = avformat_new_stream(made, nullptr);
  if (!p.stream) p.check(AVERROR(ENOMEM));
  p.check(avcodec_parameters_from_context(p.stream->codecpar, &encoder));
  p.stream->time_base = encoder.time_base, p.stream->avg_frame_rate = encoder.framerate;
  p.check(avio_open(&made->pb, file.string().c_str(), AVIO_FLAG_WRITE));
  p.check(avformat_write_header(made, nullptr));
  p.frame.reset(av_frame_alloc()), p.packet.reset(av_packet_alloc());
  p.frame->format = encoder.pix_fmt, p.frame->width = options.width, p.frame->height = options.height;
  p.check(av_frame_get_buffer(p.frame.get(), 0));
  p.scaler.reset(sws_getContext(options.width, options.height, AV_PIX_FMT_RGB24, options.width, options.height, encoder.pix_fmt, SWS_POINT,
                                nullptr, nullptr, nullptr));
  if (!p.scaler) p.check(AVERROR(ENOMEM));
}

VideoWriter::~VideoWriter() = default;

void VideoWriter::add(const std::uint8_t* rgb) {
  auto& p = *parts_;
  const std::uint8_t* rows[] = {rgb, nullptr, nullptr, nullptr};
  const int strides[] = {3 * p.options.width, 0, 0, 0};
  p.check(av_frame_make_writable(p.frame.get()));
  sws_scale(p.scaler.get(), rows, strides, 0, p.options.height, p.frame->data, p.frame->linesize);
  p.frame->pts = p.count++;
  p.check(avcodec_send_frame(p.encoder.get(), p.frame.get()));
  p.put_packets();
}

void VideoWriter::finish() {
  auto& p = *parts_;
  p.check(avcodec_send_frame(p.encoder.get(), nullptr));
  p.put_packets();
  p.check(av_write_trailer(p.muxer.get()));
  p.check(avio_closep(&p.muxer->pb));
}

}  // namespace dream
