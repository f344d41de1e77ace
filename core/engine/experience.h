#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "core/behaviours/pilot.h"
#include "core/data/dataset.h"
#include "core/engine/lanes.h"
#include "core/engine/recorder.h"
#include "core/engine/system.h"

namespace dream {

/// Collects experience with a system's own behaviour while that behaviour learns: lanes of environments, whole episodes
/// onto the disk and to whoever learns from them. Every episode's seed depends on its number alone. Savable between two
/// steps; what the disk holds beyond the checkpoint is dropped and made anew.
class Experience {
 public:
  struct Options {
    std::filesystem::path directory;  // of the dataset
    std::int64_t lanes = 8;
    std::int64_t prefill = 0;  // steps with uniformly random actions, before the behaviour drives
    bool keep_states = false;  // what the model remembered at every step comes with the episodes
    bool after_disk = false;   // new episodes follow those on the disk: for an actor that nobody waits for
    Rng rng;
  };
  struct Done {  // an episode that has ended
    double reward = 0;
    std::int64_t steps = 0;
  };

  using Sink = std::function<void(Episode)>;
  /// `finished` is called from step() with every episode that ends.
  Experience(Options options, System& system, Sink finished);
  ~Experience();

  /// Steps every lane once; returns the episodes that ended.
  std::vector<Done> step();
  std::int64_t steps() const { return steps_; }  // of all lanes together
  std::int64_t episodes() const { return episodes_; }
  const RealLanes& lanes() const { return lanes_; }

  void save(Checkpoint& into, const std::string& prefix) const;
  /// Goes on where save() was. Throws dream::Error when the dataset does not hold the episodes that had ended by then.
  void load(const Checkpoint& from, const std::string& prefix);
  /// The count of steps alone.
  void load_steps(const Checkpoint& from, const std::string& prefix);
  /// How many episodes had ended at save(): the dataset's first ones.
  static std::int64_t finished_in(const Checkpoint& from, const std::string& prefix);

 private:
  void assign(std::int64_t lane);
  torch::Tensor choose(const Seen& seen);

  Options options_;
  System& system_;
  Sink finished_;
  RealLanes lanes_;
  Pilot pilot_;
  std::unique_ptr<DatasetWriter> writer_;
  std::vector<Recorder> recorders_;
  at::Generator generator_;
  Carry initial_;
  std::size_t state_size_ = 0;
  std::int64_t steps_ = 0, started_ = 0, episodes_ = 0;
};

}  // namespace dream
