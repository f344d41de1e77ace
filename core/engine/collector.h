#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "core/engine/lanes.h"
#include "core/engine/random_weights.h"
#include "core/engine/recorder.h"
#include "core/engine/system.h"

namespace dream {

/// Drives lanes of environments and writes whole episodes into a dataset, in the order of their number. Episode i has
/// the same track whatever was interrupted before; with a random driver it is the same episode.
class Collector {
 public:
  struct Options {
    std::filesystem::path directory;
    std::int64_t episodes = 100;  // the dataset's size at the end
    std::int64_t max_steps = 1000;
    std::int64_t lanes = 8;
    Rng rng;
    /// A driver's actions are shaken by smooth noise of up to this share of each axis's half range, drawn per episode,
    /// so that a model also sees what follows from a mistake. 0 = none. Random drivers ignore it, as choices do.
    double noise = 0;
    /// And mixed with a random motion's, which takes up to this share, drawn per episode: a driver who has not learned
    /// yet; of choices, that share is random. 0 = not.
    double weaken = 0;
    /// Makes networks that drive with random weights, where no `driver` is given (see RandomWeights); empty = the
    /// random policy drives.
    std::function<RandomWeights::Parts()> untrained = {};
    bool expert = false;  // the environment's own expert drives, shaken and weakened as a driver is
    std::int64_t hold = 10;  // steps that the random policy holds a choice, at most
    bool held = false;       // and an axis, in the place of a Brownian motion
  };

  /// Drives `environment` as `make_env` makes it: at random, or with `driver`'s model and behaviour when it is given.
  Collector(Options options, const std::string& environment, std::function<std::unique_ptr<Env>()> make_env,
            std::shared_ptr<System> driver, const std::string& policy_name);
  ~Collector();

  /// Some steps of every lane; returns how many steps that was.
  double step();
  std::int64_t written() const { return written_; }
  /// Of the episodes that were written since this was last asked.
  std::vector<double> new_rewards() { return std::exchange(rewards_, {}); }
  Image picture() const;  // lane 0
  const EnvLanes::Faults& faults() const { return envs_.faults(); }

 private:
  class Driver;
  class RandomDriver;
  class UntrainedDriver;
  class Shaker;
  class TrainedDriver;
  class ExpertDriver;
  struct Lane {
    Recorder recorder;
    std::int64_t index;  // of the episode under way; -1 = idle
  };
  struct Waiting {
    std::int64_t index;
    Episode episode;
  };
  void assign(std::int64_t lane);
  void begin(std::int64_t lane);  // the episode that it was assigned
  void flush();

  Options options_;
  EnvLanes envs_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<DatasetWriter> writer_;
  std::vector<Lane> lanes_;
  std::vector<Waiting> waiting_;
  std::int64_t written_ = 0, next_ = 0;
  std::vector<double> rewards_;
};

}  // namespace dream
