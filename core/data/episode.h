#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dream {

constexpr std::size_t most_columns = 64, most_column_width = 65536;

/// Numbers of one name beside an episode.
struct Column {
  std::int64_t width = 1;     // numbers in a row
  bool per_frame = false;     // T + 1 rows, one beside every frame; otherwise T, one beside every action
  std::vector<float> values;  // [rows, width]

  std::size_t rows(std::size_t steps) const { return steps + (per_frame ? 1 : 0); }
};

/// One episode in memory, or a piece of one. T actions and T + 1 observations: frame t is what the driver saw before
/// action t.
struct Episode {
  std::string world = {};  // where it was lived through; not stored beside each: DatasetInfo::environment says it
  std::uint64_t seed = 0;
  int lane = -1;  // of the environments that were stepped side by side; -1: not known
  int height = 0, width = 0, channels = 0;
  int action_size = 0;
  std::vector<std::uint8_t> frames;  // [T+1, H, W, C]; empty for an environment without pictures
  int vector_size = 0;
  std::vector<float> vectors;            // [T+1, V]; empty for an environment without vectors
  std::vector<float> actions;            // [T, A]
  std::vector<float> rewards;            // [T]
  std::vector<std::uint8_t> terminated;  // [T], 0 or 1
  std::vector<std::uint8_t> truncated;   // [T], 0 or 1
  /// What a world or a behaviour leaves besides: costs, visit counts, values. At most `most_columns`; their names are
  /// of letters, digits, '_', '-' and '.'.
  std::map<std::string, Column> extra;
  /// bf16 [T+1, S]: what a model remembered once it had seen each frame (see Replay). Not stored in datasets; may be
  /// shorter or empty. Its rows are long, hence half the bytes of a column.
  std::vector<std::uint16_t> states;

  std::size_t length() const { return rewards.size(); }
  /// The sum of the column `cost_column` (core/env/env.h), which worlds with costs leave; 0 where there is none.
  double cost() const;
  std::size_t frame_bytes() const { return static_cast<std::size_t>(height) * width * channels; }
  bool ended() const { return length() > 0 && (terminated.back() != 0 || truncated.back() != 0); }
  /// Memory that the arrays take, bytes.
  std::size_t bytes() const {
    std::size_t columns = 0;
    for (const auto& [name, column] : extra) columns += column.values.size() * 4;
    return frames.size() + vectors.size() * 4 + actions.size() * 4 + rewards.size() * 4 + terminated.size() * 2 +
           states.size() * 2 + columns;
  }
  /// `piece` follows: its frames and steps come after those that are here. Its states are left to the caller, as they
  /// come later than their frames.
  void append(const Episode& piece);
  /// As it was after so many steps.
  void cut(std::size_t steps);
  /// Rows of zeros where a column has fewer than there are steps or frames.
  void fill_columns();
};

/// Whether a column may have this name.
bool is_column_name(const std::string& name);

}  // namespace dream
