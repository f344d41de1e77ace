#pragma once
#include <vector>

#include "core/base/choice.h"
#include "core/behaviours/table_policy.h"
#include "core/config/config.h"
#include "core/models/table_model.h"

namespace dream {

/// Which remembered steps are learned from again.
enum class Sweep { random, prioritised };
constexpr auto choice_names(Sweep) {
  return names_of_choice("random", "prioritised");
}

/// Sutton & Barto (2018), chapter 8: the maze of section 8.2, Dyna-Q+ of 8.3, prioritised sweeping of 8.4.
struct DynaOptions {
  std::int64_t planning_steps = 50;  // n
  double step_size = 0.1;            // α
  double discount = 0.95;            // γ
  double epsilon = 0.1;              // ε
  bool bonus = false;                // Dyna-Q+: what was not tried for long is worth trying
  double kappa = 1e-3;               // κ of its bonus κ√τ
  Sweep sweep = Sweep::random;
  double threshold = 1e-4;  // θ: smaller changes are not swept

  void fields(Config& config, const std::string& prefix);
};

/// Tabular Dyna, one step of the world at a time: learn() from what happened, then plan() in the table.
class TabularDyna {
 public:
  TabularDyna(TableModel& model, TablePolicy& policy, const DynaOptions& options);

  /// One step of Q-learning, and the table is told. Returns |δ|.
  double learn(std::int64_t state, std::int64_t action, double reward, std::int64_t next, bool done);
  /// n steps of Q-learning on what the table says of states and actions that were met; fewer where a sweep has nothing left
  /// to do. `rng` draws two numbers for each, the state and its action.
  void plan(at::Generator rng);

  std::int64_t time() const { return time_; }  // steps of the world
  /// How often plan() learned from each state the last time, int64 [S].
  const torch::Tensor& touched() const { return touched_; }

  void save(Checkpoint& into, const std::string& prefix) const;
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  double change(std::int64_t state, std::int64_t action, double reward, std::int64_t next, bool done) const;
  void improve(std::int64_t state, std::int64_t action);
  void sweep();
  void want(std::int64_t state, std::int64_t action);

  TableModel& model_;
  TablePolicy& policy_;
  const DynaOptions& options_;
  std::int64_t time_ = 0;
  std::vector<std::int64_t> met_;  // states, in the order in which they were met first
  torch::Tensor priority_;         // float64 [S, A]: |δ| of what waits to be swept; 0: nothing
  torch::Tensor touched_;
};

}  // namespace dream
