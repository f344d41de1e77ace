#include <algorithm>
#include <cmath>
#include <random>

#include "api/error.h"
#include "app/cli/bench_rows.h"
#include "core/data/dataset.h"
#include "core/data/video_reader.h"
#include "core/data/video_writer.h"

namespace dream::cli {
namespace {

constexpr int clip_width = 854, clip_height = 480, clip_frames = 600, noises = 7;

/// As a camera that goes past something would take it, about 1 Mbit/s: a landscape that is panned over, two things that move, and the
/// noise of a sensor.
void write_bench_clip(const std::filesystem::path& file) {
  VideoWriter writer(file, {.width = clip_width, .height = clip_height, .rate = 30, .key_every = 250, .reordered = 3});
  std::mt19937 chance(1);
  std::vector<std::uint8_t> land(static_cast<std::size_t>(2 * clip_width * clip_height)), rgb(static_cast<std::size_t>(3 * clip_width * clip_height));
  std::vector<int> noise(static_cast<std::size_t>(noises * clip_width * clip_height));
  for (int& each : noise) each = static_cast<int>(chance() % 17) - 8;
  for (int y = 0; y < clip_height; ++y) {
    for (int x = 0; x < 2 * clip_width; ++x) {
      const double hills = 60 * std::sin(x * 0.013) * std::cos(y * 0.021) + 30 * std::sin(x * 0.11 + y * 0.07);
      land[static_cast<std::size_t>(y * 2 * clip_width + x)] = static_cast<std::uint8_t>(128 + hills + static_cast<int>(chance() % 17) - 8);
    }
  }
  for (int t = 0; t < clip_frames; ++t) {
    const int pan = static_cast<int>(clip_width * (0.5 + 0.5 * std::sin(t * 0.01)));
    for (int y = 0; y < clip_height; ++y) {
      for (int x = 0; x < clip_width; ++x) {
        const int lit = land[static_cast<std::size_t>(y * 2 * clip_width + x + pan)];
        const int shade = std::clamp(lit + noise[static_cast<std::size_t>((t % noises * clip_height + y) * clip_width + x)], 0, 200);
        const bool car = std::abs(x - (t * 4) % clip_width) < 60 && std::abs(y - 330) < 30;
        const bool sun = std::hypot(x - 600 + t / 4, y - 90) < 40;
        auto* pixel = &rgb[static_cast<std::size_t>((y * clip_width + x) * 3)];
        pixel[0] = static_cast<std::uint8_t>(car ? 200 : sun ? 240 : shade), pixel[1] = static_cast<std::uint8_t>(car ? 40 : sun ? 220 : shade * 3 / 4 + y / 10);
        pixel[2] = static_cast<std::uint8_t>(car ? 30 : sun ? 90 : 255 - shade);
      }
    }
    writer.add(rgb.data());
  }
  writer.finish();
}

/// From the opening of the dataset to its last episode.
Row video_row(const std::string& name, const std::filesystem::path& file, double seconds) {
  const auto index = index_video(file);
  const auto value = rate(seconds, [&] {
    const Dataset dataset(file);
    std::int64_t frames = 0;
    for (std::size_t i = 0; i < dataset.episodes(); ++i) frames += static_cast<std::int64_t>(dataset.read(i).length()) + 1;
    return static_cast<double>(frames);
  });
  char size[96];
  const double length = static_cast<double>(index.frames()) / std::max(1.0, index.rate());
  std::snprintf(size, sizeof size, ", %d × %d, %.1f Mbit/s", index.width, index.height, static_cast<double>(std::filesystem::file_size(file)) * 8e-6 / length);
  return {name, "video, " + index.codec + size, "frames/s", value};
}

}  // namespace

std::vector<Measurement> video_rows(double seconds, const std::vector<std::string>& files) {
  std::vector<Measurement> rows;
  for (const auto& file : files) rows.push_back({"video", [=] { return video_row("video", file, seconds); }});
  if (!files.empty() || !why_no_videos().empty() || !VideoWriter::can_write()) return rows;
  rows.push_back({"video_480p", [=] {
                    const BenchFolder folder;
                    write_bench_clip(folder.path / "clip.mp4");
                    return video_row("video_480p", folder.path / "clip.mp4", seconds);
                  }});
  return rows;
}

}  // namespace dream::cli
