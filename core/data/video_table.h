#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dream {

/// What was done beside a video: `clip.csv` beside `clip.mp4`. Row t holds what was done where frame t was seen, and what came of
/// it. Columns `reward`, `cost` and `terminated` are these; `action` numbers one of several choices; `frame` and `time` are left
/// out; any other column is an axis of the action.
struct VideoTable {
  std::vector<std::string> axes;         // empty: choices
  std::vector<std::string> left_out;     // columns
  std::vector<float> actions;            // [F, A]
  std::vector<float> rewards, costs;     // [F]; empty where there is no such column
  std::vector<std::uint8_t> terminated;  // [F]; 1: the episode ended with the next frame

  bool discrete() const { return axes.empty(); }
  std::size_t action_size() const { return discrete() ? 1 : axes.size(); }
};

/// Throws dream::Error naming file, line, column and what was expected. `frames`: of the video, each of which has a line.
VideoTable read_video_table(const std::filesystem::path& file, std::size_t frames);

}  // namespace dream
