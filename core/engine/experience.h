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
/// onto the disk, every step to whoever learns from them. Every episode's seed depends on its number alone. Savable
/// between two steps; what the disk holds beyond the checkpoint is dropped and made anew.
class Experience {
 public:
  struct Options {
    std::filesystem::path directory;  // of the dataset
    std::int64_t lanes = 8;
    std::int64_t prefill = 0;  // steps with uniformly random actions, before the behaviour drives
    bool keep_states = false;  // what the model remembered at every step comes with the episodes
    bool keep_found = false;   // new episodes follow all that the disk holds: for an actor that nobody waits for
    Rng rng;
  };
  struct Done {  // an episode that has ended
    double reward = 0;
    std::int64_t steps = 0;
    double cost = 0;
  };

  using Sink = std::function<void(Episode)>;
  /// `lived` is called from step() with the next piece of what each lane lives through (see Replay::extend), and from
  /// load() with what it has lived through of the episode under way.
  Experience(Options options, System& system, Sink lived);
  ~Experience();

  /// Steps every lane once; returns the episodes that ended.
  std::vector<Done> step();
  std::int64_t steps() const { return steps_; }  // of all lanes together
  std::int64_t episodes() const { return episodes_; }
  const RealLanes& lanes() const { return lanes_; }

  void save(Checkpoint& into, const std::string& prefix) const;
  /// Goes on where save() was. Throws dream::Error when any of it is damaged, or the dataset does not hold the episodes
  /// that had ended by then; until all has been judged the dataset stays as it is.
  /// `ended_steps`: of those episodes.
  void load(const Checkpoint& from, const std::string& prefix, std::int64_t ended_steps);
  /// Begins where nothing was saved. What the dataset holds is dropped where it `came_later` than the checkpoint;
  /// otherwise nobody knows of it, and dream::Error is thrown.
  void begin_anew(bool came_later);
  /// The count of steps alone, for an actor that goes on from whatever the dataset holds.
  void set_steps(std::int64_t steps) { steps_ = steps; }
  struct Counters {
    std::int64_t steps = 0, started = 0, ended = 0;  // the last two: episodes; those that ended are the dataset's first
  };
  /// What was saved; zeros where nothing was. Throws dream::Error for what no counter can be.
  static Counters counters_in(const Checkpoint& from, const std::string& prefix);

 private:
  void assign(std::int64_t lane);
  torch::Tensor choose(const Seen& seen);

  Options options_;
  System& system_;
  Sink lived_;
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
