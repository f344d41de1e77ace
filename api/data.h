#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/spaces.h"
#include "api/value.h"

namespace dream {

/// One episode of the dataset that is open.
struct DataEpisode {
  std::string name;         // "episode_3", as its file calls it
  bool read = false;        // what follows, but `held_out`, is known
  std::int64_t steps = 0;
  double reward = 0, cost = 0;  // sums
  std::string end;          // "terminated", "truncated"
  std::int64_t still = 0;   // steps that change nothing that is seen
  std::string twin;         // the episode before it with the same observations and actions; empty = none
  bool held_out = false;    // nobody learns from it
  std::string damage;       // why it cannot be read, in a sentence; empty = it can
  std::shared_ptr<const Image> thumbnail;  // of its middle; null without pictures
};

struct DataSpread {
  std::string name;
  double low = 0, high = 0, mean = 0, deviation = 0;
};

/// How often what was done: every choice, or equal parts of an axis from its least to its greatest value.
struct DataHistogram {
  std::string name;                 // of the axis; "action" of choices
  std::vector<std::string> labels;  // of choices; empty: an axis from `low` to `high`
  double low = 0, high = 0;
  std::vector<double> shares;       // they sum to 1
};

/// The episode that LookAtEpisode has named. T steps, T + 1 moments.
struct DataEpisodeView {
  std::string name;
  std::int64_t steps = 0;
  int width = 0, height = 0, channels = 0;  // of a frame; 0: it has none
  std::int64_t stride = 1;                  // steps from one frame to the next: of what is long not every one is kept
  std::shared_ptr<const std::vector<std::uint8_t>> frames;  // [moments / stride, H, W, C]; null: none
  std::shared_ptr<const std::vector<float>> vectors;        // [T + 1, V]; null: none
  std::vector<double> rewards, costs;                       // [T]; costs: empty where there are none
  std::vector<float> actions;                               // [T, A]
  std::string wrong;                                        // why it cannot be read, in a sentence; empty = it can
};

/// What there is to see of one dataset: OpenDataset.
struct DataView {
  std::uint64_t revision = 0;  // counts openings: what was said of another one's episodes does not hold
  std::string path;            // empty: none is open
  std::string environment, policy;
  Spaces spaces;
  bool own = false;       // this program has made it
  std::string fixed;      // why episodes can neither be deleted nor added, in a sentence; empty = they can
  bool costs = false;     // the world has them
  std::int64_t steps = 0, held_out = 0, read = 0;       // held_out, read: episodes
  std::vector<std::string> damaged, left_out;           // what cannot be read, a sentence each; "mission: Text"
  std::shared_ptr<const std::vector<DataEpisode>> episodes = std::make_shared<const std::vector<DataEpisode>>();  // never null
  DataSpread reward, returns, lengths;                  // of steps, of episodes, of episodes in steps
  std::vector<DataSpread> vector;
  std::vector<DataHistogram> actions;
  double coverage = 0;                                  // 0 … 1: how evenly everything was done that can be
  std::shared_ptr<const DataEpisodeView> episode;       // null: none is looked at
  std::string doing;                                    // "reading episodes"; empty = nothing
  double progress = 0;                                  // of that, 0 … 1
  std::string wrong;                                    // of the last command, a sentence; empty = nothing
  std::string done;                                     // what undo would take back: "3 episodes were deleted"; empty = nothing
  std::string free_folder;                              // beside it, that nothing has
  std::vector<std::string> known;                       // datasets that OpenDataset may name
};

}  // namespace dream
