#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "core/engine/lanes.h"
#include "core/engine/system.h"
#include "core/nn/torch.h"

namespace dream {

/// Plays every candidate of a population on the same episodes and adds up the rewards. One tick steps all lanes once;
/// a lane that finishes an episode takes the next one that is waiting. Deterministic, and savable between two ticks.
class Population {
 public:
  struct Options {
    std::int64_t max_steps = 1000;  // of an episode; 0 = until the environment ends it
    /// An episode without a positive reward for so many steps is given up, and the rest of max_steps is charged at the
    /// mean reward of those steps. 0 = never.
    std::int64_t patience = 0;
    /// Called when a lane begins an episode: what its driver remembers begins anew. Empty: it remembers nothing.
    std::function<void(std::int64_t lane)> begins = {};
  };
  struct Result {
    double reward = 0;
    std::int64_t steps = 0;
    double cost = 0;  // of the steps that were made
  };

  /// What the lanes see, and the candidate that drives each lane [L] (int64, on the CPU) -> actions [L, A].
  using Actor = std::function<torch::Tensor(const Seen& seen, const torch::Tensor& candidate)>;

  Population(Actor actor, Lanes& lanes, const Options& options);

  /// Every one of `candidates` plays every seed.
  void begin(std::int64_t candidates, std::vector<std::uint64_t> seeds);
  /// Steps every busy lane once; returns how many there were.
  std::int64_t tick();
  bool finished() const { return done_ == static_cast<std::int64_t>(results_.size()); }
  double progress() const;  // 0 … 1 of the episodes
  std::vector<std::int64_t> busy() const;  // the lanes that drive, rising

  const std::vector<Result>& results() const { return results_; }  // [P × seeds], candidate-major
  std::vector<double> mean_rewards() const;                        // [P]

  void save(Checkpoint& into, const std::string& prefix) const;
  /// False where what was saved has other many lanes or episodes than this population after begin(): then it cannot be
  /// taken up.
  bool fits(const Checkpoint& from, const std::string& prefix) const;
  /// After begin() with the same candidates and seeds.
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  struct Lane {
    std::int64_t job = -1;  // candidate · seeds + seed; -1 = idle
    std::int64_t steps = 0, since_reward = 0;
    double reward = 0, unrewarding = 0;  // unrewarding: the sum since the last positive reward
    double cost = 0;
  };
  void assign(std::int64_t lane);
  void start_assigned();
  void finish(std::int64_t lane, double reward);

  Actor actor_;
  Lanes& lanes_;
  Options options_;
  std::vector<std::uint64_t> seeds_;
  std::vector<Lane> state_;
  std::vector<Lanes::Start> starting_;  // lanes that have been assigned an episode
  std::vector<Result> results_;
  std::int64_t next_ = 0, done_ = 0;
};

/// Of the rewards, or the costs, of all episodes; the deviation is that of these episodes, not an estimate for all that
/// there could be.
struct Score {
  double mean = 0, deviation = 0;
};
Score score_of(const std::vector<Population::Result>& results);
Score cost_of(const std::vector<Population::Result>& results);
/// "903 ± 28 over 100 unseen tracks", as lists of runs read it.
std::string score_in_words(const std::vector<Population::Result>& results, const std::string& noun);
std::string cost_in_words(const std::vector<Population::Result>& results, const std::string& noun);
/// A curve of what episodes cost, with what one may cost drawn in.
Metrics::Spec cost_curve(std::string name, std::string title, std::string x_unit, const Spaces& spaces);
/// The rewards as the curve "evaluate/reward" and their score as a fact: "5.26 ± 1.29 over 100 unseen tracks". Where
/// "evaluate/cost" is declared, the costs as well, as the fact "cost".
void publish_score(System& system, const std::vector<Population::Result>& results, const std::string& noun);

}  // namespace dream
