#include "tests/ui/film_reader.h"

#include <gif_lib.h>

#ifdef DREAMSCOPE_WITH_FFMPEG
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}
#endif

#include <cmath>

namespace dream::ui {

std::vector<Seen> read_gif(const std::filesystem::path& file) {
  GifFileType* gif = DGifOpenFileName(file.c_str(), nullptr);
  std::vector<Seen> all;
  if (!gif) return all;
  const bool whole = DGifSlurp(gif) == GIF_OK;
  for (int i = 0; whole && i < gif->ImageCount; ++i) {
    const SavedImage& saved = gif->SavedImages[i];
    GraphicsControlBlock control{};
    DGifSavedExtensionToGCB(gif, i, &control);
    Seen seen{{saved.ImageDesc.Width, saved.ImageDesc.Height, 3, {}}, control.DelayTime};
    for (int k = 0; k < seen.picture.width * seen.picture.height; ++k) {
      const GifColorType& colour = saved.ImageDesc.ColorMap->Colors[saved.RasterBits[k]];
      for (const auto value : {colour.Red, colour.Green, colour.Blue}) seen.picture.pixels.push_back(value);
    }
    all.push_back(std::move(seen));
  }
  DGifCloseFile(gif, nullptr);
  return all;
}

#ifdef DREAMSCOPE_WITH_FFMPEG
std::vector<Seen> read_mp4(const std::filesystem::path& file) {
  std::vector<Seen> all;
  AVFormatContext* film = nullptr;
  if (avformat_open_input(&film, file.c_str(), nullptr, nullptr) < 0) return all;
  avformat_find_stream_info(film, nullptr);
  const AVStream* stream = film->streams[0];
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  AVCodecContext* decoder = avcodec_alloc_context3(codec);
  avcodec_parameters_to_context(decoder, stream->codecpar);
  avcodec_open2(decoder, codec, nullptr);
  AVPacket* packet = av_packet_alloc();
  AVFrame* frame = av_frame_alloc();
  const auto receive = [&] {
    while (avcodec_receive_frame(decoder, frame) >= 0) {
      Seen seen{{frame->width, frame->height, 3, {}}, 0};
      seen.picture.pixels.resize(static_cast<std::size_t>(frame->width) * static_cast<std::size_t>(frame->height) * 3);
      seen.hundredths =
          static_cast<int>(std::lround(100 * static_cast<double>(frame->pts) * av_q2d(stream->time_base)));
      SwsContext* scaler =
          sws_getContext(frame->width, frame->height, static_cast<AVPixelFormat>(frame->format), frame->width,
                         frame->height, AV_PIX_FMT_RGB24, SWS_POINT | SWS_ACCURATE_RND, nullptr, nullptr, nullptr);
      std::uint8_t* rows[] = {seen.picture.pixels.data(), nullptr, nullptr, nullptr};
      const int strides[] = {3 * frame->width, 0, 0, 0};
      sws_scale(scaler, frame->data, frame->linesize, 0, frame->height, rows, strides);
      sws_freeContext(scaler);
      all.push_back(std::move(seen));
    }
  };
  while (av_read_frame(film, packet) >= 0) {
    avcodec_send_packet(decoder, packet);
    av_packet_unref(packet);
    receive();
  }
  avcodec_send_packet(decoder, nullptr);
  receive();
  av_frame_free(&frame);
  av_packet_free(&packet);
  avcodec_free_context(&decoder);
  avformat_close_input(&film);
  return all;
}
#else
std::vector<Seen> read_mp4(const std::filesystem::path&) {
  return {};
}
#endif

}  // namespace dream::ui
