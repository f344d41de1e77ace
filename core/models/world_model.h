#pragma once
#include "core/nn/torch.h"

#include <map>
#include <string>
#include <vector>

#include "api/knob.h"
#include "api/spaces.h"
#include "core/models/belief.h"
#include "core/nn/carry.h"
#include "core/probe/sink.h"

namespace dream {

/// Observations of one moment, batch-first. Absent parts are undefined tensors.
struct Observation {
  torch::Tensor image;   // uint8 [B, H, W, C]
  torch::Tensor vector;  // float [B, V]
  torch::Tensor goal = {};  // uint8 [B, H, W, C]: the picture that is to be reached, in a world with goals

  Observation to(const torch::Device& device) const {
    const auto there = [&](const torch::Tensor& x) { return x.defined() ? x.to(device) : x; };
    return {there(image), there(vector), there(goal)};
  }
};

/// What a carry says about the world. Absent parts are undefined tensors.
struct Prediction {
  torch::Tensor frame;   // float [B, C, H, W] in [0, 1]
  torch::Tensor reward;  // float [B], of the step that led here
  torch::Tensor done;    // float [B], probability that the step that led here was the last
  torch::Tensor cost = {};  // float [B], of the step that led here, in the environment's units
};

/// The contract of every learned world model. Inference calls are const in spirit: they change no parameter, keep
/// no state outside the carry, and are made without gradients by their callers. Randomness comes from `rng` alone.
class WorldModel : public torch::nn::Module {
 public:
  /// The carry before the first observation.
  virtual Carry initial(std::int64_t batch) = 0;

  /// Posterior: the frame is seen. `previous_action` [B, A] led from `carry` to `observation`; it is ignored for
  /// lanes whose carry is initial.
  virtual Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                        at::Generator rng) = 0;

  /// Prior: one step of the dream under `action` [B, A], bent by `knobs`.
  virtual Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs,
                        at::Generator rng) = 0;

  /// The same state with a picture that is to be reached, uint8 [B, H, W, C]: what a model that can tell how far it is takes
  /// for its reward from there on. observe() does it where the observation has a goal.
  virtual Carry aimed(const Carry& carry, const torch::Tensor& goal) {
    (void)goal;
    return carry;
  }

  /// The same state where knobs have set what is wanted of it, as the weights of its costs: for who decides from there.
  /// imagine() does it by itself.
  virtual Carry configured(const Carry& carry, const KnobValues& knobs) {
    (void)knobs;
    return carry;
  }

  /// What its dream can be bent by. Temperatures (how much chance there is) are of the group "temperature".
  virtual std::vector<Knob> knobs() const { return {}; }

  /// What it takes for actions in an environment: a model that has found its own brings them.
  virtual ActionSpace actions(const Spaces& environment) const { return environment.action; }

  virtual Prediction predict(const Carry& carry) = 0;
  /// predict() without the frame, which costs most.
  virtual Prediction outcome(const Carry& carry) = 0;

  /// The environment's reward as this model learns to predict it, and a prediction in the environment's units again:
  /// some squash rewards.
  virtual torch::Tensor reward_to_target(const torch::Tensor& reward) const { return reward; }
  virtual torch::Tensor reward_from_target(const torch::Tensor& target) const { return target; }

  /// How much the last frame told that was not predicted, of carries that observe() has made: float [B], nats. KL(q ‖ p)
  /// or −log p of what was seen, each within its own model; undefined where a model cannot say.
  virtual torch::Tensor surprise(const Carry& seen) {
    (void)seen;
    return {};
  }

  /// The latent of a carry with what was expected of it and what was seen, for whoever measures them. All of it undefined
  /// for a model without a latent of its own.
  virtual Belief belief(const Carry& carry) {
    (void)carry;
    return {};
  }
  /// What `memory` remembers with the latent of `latent`: half of a state replaced by another one's. Empty for a model whose
  /// state has no such parts.
  virtual Carry with_latent(const Carry& memory, const Carry& latent) {
    (void)memory, (void)latent;
    return {};
  }

  /// What a behaviour sees of a carry: float [B, features()].
  virtual torch::Tensor features(const Carry& carry) = 0;
  virtual std::int64_t feature_count() const = 0;

  /// The names that report() can publish.
  virtual std::vector<std::string> probe_names() const = 0;
  /// Publishes the internals of lane 0; computes only what the sink wants.
  virtual void report(const Carry& carry, ProbeSink& sink) = 0;

  /// The carry with element `index` of an editable probe set, in every lane. Throws dream::Error for a probe that
  /// cannot be edited or an index out of range.
  virtual Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) = 0;
  /// The carry with an editable probe drawn anew from its prior.
  virtual Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) = 0;

  /// initial() with what a state holds besides for the sake of the pictures to come, where there is such: who keeps a dream that shall be
  /// shown again keeps that too, and planners need not.
  virtual Carry initial_shown(std::int64_t batch) { return initial(batch); }
};

}  // namespace dream
