#pragma once
#include "core/nn/torch.h"

#include "core/models/sequence_model.h"

namespace dream {

/// A policy over the features of a world model. It knows neither the environment nor the model family.
class Behaviour : public torch::nn::Module {
 public:
  /// features [B, F] -> action [B, A], within the action space's bounds.
  virtual torch::Tensor act(const torch::Tensor& features, at::Generator rng) = 0;

  /// The action for every lane of a carry. `explore`: while collecting experience, rather than to be judged. A planner
  /// looks ahead in `model`; others need its features alone.
  virtual torch::Tensor decide(WorldModel& model, const Carry& carry, bool explore, at::Generator rng) {
    (void)explore;
    return act(model.features(carry), rng);
  }

  virtual std::vector<std::string> probe_names() const { return {}; }
  /// Publishes what this behaviour thinks of lane 0; computes only what the sink wants.
  virtual void report(WorldModel& model, const Carry& carry, ProbeSink& sink, at::Generator rng) {
    (void)model, (void)carry, (void)sink, (void)rng;
  }
};

}  // namespace dream
