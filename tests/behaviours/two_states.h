#pragma once
#include <string>
#include <vector>

#include "api/spaces.h"
#include "core/models/sequence_model.h"

namespace dream::test {

/// A world of two states that is known in full. Choices: action 1 leads to the state with reward 1, action 0 to the one
/// with 0, wherever one is. A box of one axis in [-1, 1]: the state is the action, its reward 1 - (action - best)². So
/// the best policy is the same everywhere, and its value is that of reward 1 for ever.
class TwoStates : public SequenceModel {
 public:
  explicit TwoStates(bool discrete, double best = 0.5) : discrete_(discrete), best_(best) {}

  static ActionSpace choices() {
    ActionSpace space;
    space.choices = {"nothing", "reward"};
    return space;
  }
  static ActionSpace box(float low = -1, float high = 1) {
    ActionSpace space;
    space.axes = {"x"};
    space.low = {low};
    space.high = {high};
    space.idle = {0};
    return space;
  }

  Carry initial(std::int64_t batch) override { return {{"s", torch::tensor({{1.0f, 0.0f}}).expand({batch, 2})}}; }
  Carry observe(const Carry& carry, const torch::Tensor&, const Observation&, at::Generator) override { return carry; }
  Carry imagine(const Carry&, const torch::Tensor& action, const KnobValues&, at::Generator) override {
    if (discrete_) return {{"s", action}};
    return {{"s", torch::cat({1 - action, action}, -1)}};
  }
  Prediction predict(const Carry& carry) override { return outcome(carry); }
  Prediction outcome(const Carry& carry) override {
    const auto x = carry.at("s").select(-1, 1);
    return {{}, discrete_ ? x : 1 - (x - best_).square(), {}};
  }
  torch::Tensor features(const Carry& carry) override { return carry.at("s"); }
  std::int64_t feature_count() const override { return 2; }
  std::vector<std::string> probe_names() const override { return {}; }
  void report(const Carry&, ProbeSink&) override {}
  Carry edit(const Carry& carry, const std::string&, std::int64_t, double) override { return carry; }
  Carry randomise(const Carry& carry, const std::string&, at::Generator) override { return carry; }
  SequenceLoss loss(const SequenceBatch&, at::Generator) override { return {}; }

 private:
  bool discrete_;
  double best_;
};

}  // namespace dream::test
