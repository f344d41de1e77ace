#pragma once
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "core/engine/feed.h"
#include "core/engine/metrics.h"
#include "core/probe/sink.h"

namespace dream {

constexpr std::int64_t kept_starts = 64;  // states that a run keeps to begin dreams from

/// What the one interleaved phase calls: how a family learns. It owns losses, optimisers, targets and curves; model and
/// behaviour are the system's. What it needs (sequences, frames, starts) it draws from the feed.
class Learner {
 public:
  virtual ~Learner() = default;

  /// What lane `piece.lane` lives through, as it comes and goes into the replay (see Replay::extend): for who learns from
  /// every step at once. `again`: it was told before a checkpoint, from which the run now goes on.
  virtual void lived(const Episode& piece, bool again) { (void)piece, (void)again; }

  /// Update `number` (from 1) of everything. Every loss is checked, as Metrics::add does, before an optimiser's step is
  /// taken: what is not finite never reaches the weights.
  virtual void update(Feed& feed, std::int64_t number, at::Generator rng) = 0;
  /// The frames that an update replays: what the train ratio counts.
  virtual double frames_per_update() const = 0;
  /// Steps that the replay must hold before the first update, and the setting that they follow from.
  virtual std::int64_t least_steps() const = 0;
  virtual std::string least_steps_by() const { return "train.length"; }

  /// What of the world's observations and actions it learns from, and given episodes must therefore hold.
  virtual Needs needs() const { return {}; }
  /// Pieces begin with what the model remembered before them, which the replay then keeps beside every frame.
  virtual bool recalls() const { return false; }
  /// What becomes of given episodes, where it learns from other worlds than the system's too; see Feed::Options.
  virtual Fitting fitting() const { return {}; }

  /// The curves that update() adds to.
  virtual std::vector<Metrics::Spec> curves() const = 0;
  /// What was set live reaches the optimisers.
  virtual void follow_settings() {}

  virtual void save(Checkpoint& into, const std::string& prefix) const = 0;
  virtual void load(const Checkpoint& from, const std::string& prefix) = 0;
  /// The phase is done or stopped: batches and pictures may go.
  virtual void rest() {}

  // What a learner may show of its last batch; see Phase.
  virtual std::vector<Frame> frames(const Feed& feed) {
    (void)feed;
    return {};
  }
  virtual std::vector<std::string> warnings() const { return {}; }
  virtual std::vector<std::string> probe_names() const { return {}; }
  virtual void report(ProbeSink& sink) { (void)sink; }
};

}  // namespace dream
