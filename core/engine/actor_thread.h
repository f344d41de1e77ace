#pragma once
#include <atomic>
#include <exception>
#include <thread>

#include "core/base/mailbox.h"
#include "core/base/queue.h"
#include "core/engine/experience.h"

namespace dream {

/// DayDreamer's arrangement (Wu et al. 2022): one thread acts and one learns, neither waits for the other. The actor
/// has a system of its own, takes the newest weights between two steps, and hands over every step.
class ActorThread {
 public:
  /// What has come since the last call, oldest first.
  struct News {
    std::deque<Episode> pieces;  // of what its lanes live through, see Replay::extend
    std::int64_t steps = 0, weights = 0;  // of the environment so far; the version of the weights that act now
    EnvLanes::Faults faults;  // of its worlds
  };

  /// `system` is the actor's own, `begun` what a run has counted that goes on. Rests after `most_steps`.
  ActorThread(std::shared_ptr<System> system, Experience::Options options, const Experience::Counters& begun,
              std::int64_t most_steps);
  ~ActorThread();

  /// The newest weights, and the settings of the run; the live ones among them are followed.
  void put_weights(std::shared_ptr<const Checkpoint> weights, std::vector<Field> settings, std::int64_t version);
  void stop_after(std::int64_t most_steps) { most_steps_ = most_steps; }
  /// Throws what ended the actor, if anything did.
  News take();
  /// The counters of what take() has handed over, so that a resumed run goes on after it. What is under way is not
  /// kept.
  void save(Checkpoint& into, const std::string& prefix) const;

 private:
  struct Weights {
    std::shared_ptr<const Checkpoint> values;
    std::vector<Field> settings;
    std::int64_t version = 0;
  };
  void run(const std::stop_token& stop);

  std::shared_ptr<System> system_;
  Experience::Options options_;
  Mailbox<Weights> weights_;
  Mailbox<EnvLanes::Faults> faults_;
  Queue<Episode> lived_;
  std::atomic<std::int64_t> most_steps_, steps_, acting_with_ = 0;
  std::atomic<bool> failed_ = false;
  std::exception_ptr failure_;  // set before failed_
  std::int64_t taken_;          // episodes
  std::jthread thread_;         // last: it ends before what it uses
};

}  // namespace dream
