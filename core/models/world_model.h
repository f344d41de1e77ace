#pragma once
#include "core/nn/torch.h"

#include <map>
#include <string>
#include <vector>

#include "core/probe/sink.h"

namespace dream {

/// Everything a model remembers between two steps: named, batch-first tensors that are never mutated. Copying is
/// O(1), so rewinding, branching and intervening are copies.
using Carry = std::map<std::string, torch::Tensor>;

/// Observations of one moment, batch-first. Absent parts are undefined tensors.
struct Observation {
  torch::Tensor image;   // uint8 [B, H, W, C]
  torch::Tensor vector;  // float [B, V]
};

struct DreamOptions {
  double tau_mixture = 1;  // temperature of the choice between modes: softmax(logits / τ)
  double tau_sigma = 1;    // temperature of the spread within a mode: σ·√τ
};

/// What a carry says about the world. Absent parts are undefined tensors.
struct Prediction {
  torch::Tensor frame;   // float [B, C, H, W] in [0, 1]
  torch::Tensor reward;  // float [B], of the step that led here
  torch::Tensor done;    // float [B], probability that the step that led here was the last
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

  /// Prior: one step of the dream under `action` [B, A].
  virtual Carry imagine(const Carry& carry, const torch::Tensor& action, const DreamOptions& options,
                        at::Generator rng) = 0;

  virtual Prediction predict(const Carry& carry) = 0;
  /// predict() without the frame, which costs most.
  virtual Prediction outcome(const Carry& carry) = 0;

  /// The environment's reward as this model is taught it, and a foretold one in the environment's units again: some
  /// squash rewards.
  virtual torch::Tensor taught_reward(const torch::Tensor& reward) const { return reward; }
  virtual torch::Tensor real_reward(const torch::Tensor& foretold) const { return foretold; }

  /// What the two temperatures of a dream do in this model, in a sentence each; empty: nothing.
  struct TemperatureHelp {
    std::string mixture, sigma;
  };
  virtual TemperatureHelp temperature_help() const { return {}; }

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
};

/// Lane `lane` of every tensor as a batch of one.
Carry select_lane(const Carry& carry, std::int64_t lane);
/// `carry` where `fresh` [B] (bool) is false, `initial` where it is true; only the tensors that `initial` has.
Carry where_fresh(const torch::Tensor& fresh, const Carry& initial, const Carry& carry);
/// The tensors that `initial` has side by side, bf16 [B, S] on the CPU; and a carry of such rows again, on its device.
torch::Tensor rows_of(const Carry& carry, const Carry& initial);
Carry carry_of(const torch::Tensor& rows, const Carry& initial);

}  // namespace dream
