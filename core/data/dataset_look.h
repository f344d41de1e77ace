#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/env/resizer.h"

namespace dream {

/// What can be said of numbers: of one entry of a vector, one axis of an action, rewards.
struct Spread {
  std::string name;
  double low = 0, high = 0, mean = 0, deviation = 0;
};

/// One episode among its dataset's.
struct EpisodeLook {
  std::string name;  // "episode_3"
  std::size_t index = 0, steps = 0;
  double reward = 0, cost = 0;  // sums
  bool terminated = false, truncated = false;
  std::size_t still = 0;  // frames that are as the one before; of worlds without pictures: vectors
  std::string twin;       // the episode before it with the same observations and actions, if there is one
};

struct DatasetLook {
  std::vector<EpisodeLook> episodes;
  std::vector<std::string> damaged;  // a sentence each
  std::vector<Spread> vector, actions;  // actions: by axes
  std::vector<double> choices;          // share of each choice
  std::vector<std::vector<double>> parts;  // of each axis: shares of twenty equal parts between its least and greatest value
  Spread reward;                        // of steps
  /// Entropy of what was done as a share of the most that there can be: of choices, or of each axis's twenty equal parts
  /// between its least and greatest value, on average. 1: everything as often; 0: always the same.
  double coverage = 0;
};

/// Looks at one episode after the other.
class DatasetLooker {
 public:
  explicit DatasetLooker(DatasetInfo info);
  ~DatasetLooker();
  const EpisodeLook& add(const std::string& name, std::size_t index, const Episode& episode);
  /// At what was added so far, without Dataset::skipped. Takes a while for each million of actions.
  DatasetLook look() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Reads up to `most` episodes, evenly. `progress` (0 … 1) is called after each and may end it by false: what was read counts.
DatasetLook look_at(const Dataset& dataset, std::size_t most, const std::function<bool(double)>& progress = {});

/// Frames of a dataset with pictures in RGB, `width` pixels wide.
class Shrinker {
 public:
  Shrinker(const Spaces& spaces, int width);
  int width() const { return width_; }
  int height() const { return height_; }
  std::vector<std::uint8_t> operator()(const Episode& episode, std::size_t frame);  // [height, width, 3]

 private:
  int width_, height_, channels_;
  Resizer resize_;
  std::vector<std::uint8_t> small_;
};

/// RGB pictures of up to `rows` episodes evenly, a row each, with `columns` frames from its first to its last: a sheet to see
/// what there is. Empty without pictures.
struct ThumbnailSheet {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
};
ThumbnailSheet thumbnails(const Dataset& dataset, std::size_t rows, std::size_t columns, int side);

}  // namespace dream
