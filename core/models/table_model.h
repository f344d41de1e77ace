#pragma once
#include "api/spaces.h"
#include "core/models/world_model.h"

namespace dream {

/// A model of a world with few states: a table of what followed every state and action the last time (Sutton & Barto,
/// chapter 8), and of what every state looked like. Learned by writing it down; no gradient passes through it.
///
/// Carry: "state" [B, 1], an index; "reward" and "done" [B], of the step that led there.
class TableModel : public WorldModel {
 public:
  /// Throws dream::Error for a world that has no number of states, or actions that are no choices.
  explicit TableModel(const Spaces& spaces);

  /// `state`, `action` led to `next` at `time`, which counts steps from 1.
  void learn(std::int64_t state, std::int64_t action, double reward, std::int64_t next, bool done, std::int64_t time);
  /// Uint8 [H, W, C], of what a state looks like.
  void learn_picture(std::int64_t state, const std::uint8_t* pixels);

  struct Outcome {
    double reward = 0;
    std::int64_t next = 0;
    bool done = false;
    std::int64_t time = 0;  // of the last try; 0: never tried
  };
  /// What was never tried stays where it is and pays nothing.
  Outcome at(std::int64_t state, std::int64_t action) const;
  std::int64_t states() const { return states_; }
  std::int64_t choices() const { return choices_; }
  std::int64_t columns() const { return columns_; }
  double known() const;  // share of all states and actions that were tried

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor features(const Carry& carry) override;  // one-hot
  std::int64_t feature_count() const override { return states_; }
  std::vector<std::string> probe_names() const override { return {"table/visits", "table/known"}; }
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

 private:
  torch::Tensor index_of(const Carry& carry) const;
  std::int64_t states_, choices_, columns_;
  torch::Tensor next_, reward_, done_, time_;  // [S, A]: int64, float64, bool, int64
  torch::Tensor visits_;                       // int64 [S]: how often a step led there
  torch::Tensor pictures_;                     // uint8 [S, H, W, C]
};

/// `cells` [S] as rows of a world's columns.
Heatmap heatmap_of_states(const torch::Tensor& cells, std::int64_t columns);

}  // namespace dream
