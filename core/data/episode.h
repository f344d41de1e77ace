#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dream {

/// One episode in memory. T actions and T + 1 observations: frame t is what the driver saw before action t.
struct Episode {
  std::uint64_t seed = 0;
  int height = 0, width = 0, channels = 0;
  int action_size = 0;
  std::vector<std::uint8_t> frames;  // [T+1, H, W, C]; empty for an environment without pictures
  int vector_size = 0;
  std::vector<float> vectors;            // [T+1, V]; empty for an environment without vectors
  std::vector<float> actions;            // [T, A]
  std::vector<float> rewards;            // [T]
  std::vector<std::uint8_t> terminated;  // [T], 0 or 1
  std::vector<std::uint8_t> truncated;   // [T], 0 or 1
  /// bf16 [T+1, S]: what a model remembered once it had seen each frame (see Replay). Not stored in datasets; may be
  /// shorter or empty.
  std::vector<std::uint16_t> states;

  std::size_t length() const { return rewards.size(); }
  std::size_t frame_bytes() const { return static_cast<std::size_t>(height) * width * channels; }
  /// Memory that the arrays take, bytes.
  std::size_t bytes() const {
    return frames.size() + vectors.size() * 4 + actions.size() * 4 + rewards.size() * 4 + terminated.size() * 2 +
           states.size() * 2;
  }
};

}  // namespace dream
