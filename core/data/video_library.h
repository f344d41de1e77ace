#pragma once
// FFmpeg's libraries as owned objects. For video_reader.cpp and video_writer.cpp alone.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace dream::video {

template <auto release>
struct ByAddress {  // FFmpeg's way: the pointer is cleared as well
  template <class T>
  void operator()(T* held) const {
    release(&held);
  }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
using Demuxer = std::unique_ptr<AVFormatContext, ByAddress<avformat_close_input>>;
using Codec = std::unique_ptr<AVCodecContext, ByAddress<avcodec_free_context>>;
using Frame = std::unique_ptr<AVFrame, ByAddress<av_frame_free>>;
using Packet = std::unique_ptr<AVPacket, ByAddress<av_packet_free>>;
using Scaler = std::unique_ptr<SwsContext, FreeScaler>;

/// What a negative result means, in FFmpeg's words.
inline std::string reason(int result) {
  char why[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(result, why, sizeof why);
  return why;
}

}  // namespace dream::video
