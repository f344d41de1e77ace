#pragma once
#include <string>
#include <vector>

#include "core/behaviours/behaviour.h"

namespace dream {

/// How a controller's raw output x becomes an action of one axis: tanh(x); (tanh(x) + 1) / 2; tanh(x) cut to [0, 1]; or x as it is,
/// which M is told and the world cuts to its bounds (ctallec/world-models, controller.py), of imported runs alone.
/// CarRacing's axes are steer: tanh, gas: half, brake: cut (hardmaru/WorldModelsExperiments, model.py).
enum class Squash { tanh, half, cut, raw };
/// "tanh", "half" or "cut"; throws dream::Error otherwise.
Squash squash_from(const std::string& name);

/// C of "World Models": a = squash(W·features + b). 867 parameters for 288 features and three axes; without b, as Doom's, 1,088 for
/// as many features and one axis. The flat order, as in the original: the biases, then W as [features, axes], row-major.
///
/// Of several that were found at one temperature of the dream each, a knob says which one drives; what is searched for now does where
/// nothing has been found yet.
class LinearController : public Behaviour {
 public:
  /// `temperatures`: empty where there is one; otherwise that of the nearest to `usual` drives where nobody chooses.
  LinearController(std::int64_t features, std::vector<Squash> squash, bool bias = true, std::vector<double> temperatures = {}, double usual = 1);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  std::vector<DreamtWay> ways() const override;  // of the temperatures at which something has been found
  /// features [B, F] -> [B, A].
  torch::Tensor act(const torch::Tensor& features) const;

  /// A population at once: parameters [P, count()], lane b uses row `candidate[b]`. features [B, F] -> [B, A].
  torch::Tensor act_as(const torch::Tensor& parameters, const torch::Tensor& candidate,
                       const torch::Tensor& features) const;

  /// By these parameters [count()], with gradients.
  torch::Tensor act_with(const torch::Tensor& parameters, const torch::Tensor& features) const;
  /// The parameters [count()] whose raw outputs come nearest to those that `actions` [B, A] need, by least squares with
  /// a little ridge. What squashing has cut away counts as somewhat beyond the cut.
  torch::Tensor nearest_parameters(const torch::Tensor& features, const torch::Tensor& actions) const;

  const std::vector<double>& temperatures() const { return temperatures_; }
  /// What is in use now is what was found at this temperature, one of temperatures().
  void keep(std::size_t temperature);
  /// What was found at each temperature [temperatures, count()], or the one that there is [1, count()].
  torch::Tensor all() const { return temperatures_.empty() ? parameters_.unsqueeze(0) : found_; }
  std::size_t usual() const { return usual_; }

  std::int64_t count() const { return features_ * axes() + biases(); }
  void set_flat(const std::vector<double>& parameters);
  std::vector<double> flat() const;

 private:
  std::int64_t axes() const { return static_cast<std::int64_t>(squash_.size()); }
  std::int64_t biases() const { return bias_ ? axes() : 0; }
  torch::Tensor squashed(const torch::Tensor& raw) const;

  std::int64_t features_;
  bool bias_;
  std::vector<Squash> squash_;
  torch::Tensor parameters_;  // [count()]
  torch::Tensor found_;       // [temperatures, count()], undefined where there is one
  std::vector<double> temperatures_;
  std::size_t usual_ = 0;
};

}  // namespace dream
