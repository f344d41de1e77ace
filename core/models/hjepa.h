#pragma once
#include "core/models/jepa.h"

namespace dream {

struct SlowLevelOptions {
  std::int64_t latent = 16, units = 128;                             // numbers of w; width of the layers
  std::int64_t stride = 8;                                           // steps that it foretells at once
  double variance = 16, covariance = 8, slowness = 12, inverse = 6;  // weights of the loss
  ViewingOptions view;

  void fields(Config& config, const std::string& prefix);
};

/// The upper level of a hierarchical JEPA (LeCun 2022, section 4.6): w = g(z), a slower embedding of the lower level's, and
/// what it is `stride` steps later under m, the mean of the actions in between, each in [-1, 1]: w' = w + f(w, m). A step of
/// this model is a stride of the world. What it pays is −|w − w*|², a number's mean, where there is a goal.
///
/// Carry: "w" [B, E]; "goal" [B, E]; "aimed" [B, 1].
class SlowLevel : public WorldModel {
 public:
  SlowLevel(std::int64_t below, const SlowLevelOptions& options, const Spaces& spaces);

  /// z [..., D] of the level below -> [..., E].
  torch::Tensor embed(const torch::Tensor& z) { return embed_(z); }
  torch::Tensor next(const torch::Tensor& w, const torch::Tensor& mean_action) {
    return w + change_(torch::cat({w, mean_action}, -1));
  }
  torch::Tensor distance(const Carry& carry) const {
    return (carry.at("w") - carry.at("goal")).square().mean(-1) * carry.at("aimed").squeeze(-1);
  }

  struct Loss {
    torch::Tensor total;                                       // scalar with gradient
    std::vector<std::pair<std::string, torch::Tensor>> terms;  // detached, unweighted
    torch::Tensor w;                                           // [T, B, E], detached
  };
  /// Of the states z [T, B, D] of pieces, without a gradient into them: every stride that lies within one episode, actions
  /// [T − 1, B, A] in [-1, 1]; `first` [T, B]. T must be greater than the stride.
  Loss loss(const torch::Tensor& z, const torch::Tensor& action, const torch::Tensor& first,
            const SlowLevelOptions& options);
  std::vector<torch::Tensor> learned() const;
  ViewingDecoder& viewer() { return viewer_; }
  const SlowLevelOptions& options() const { return options_; }
  const ActionInput& action_input() const { return action_input_; }

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor&, const Observation&, at::Generator) override { return carry; }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override { return {{}, -distance(carry), {}}; }
  torch::Tensor features(const Carry& carry) override { return carry.at("w"); }
  std::int64_t feature_count() const override { return options_.latent; }
  std::vector<std::string> probe_names() const override { return {}; }
  void report(const Carry&, ProbeSink&) override {}
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

 private:
  SlowLevelOptions options_;
  ActionInput action_input_;
  Mlp embed_{nullptr}, change_{nullptr}, inverse_{nullptr};
  ViewingDecoder viewer_{nullptr};
};

/// A JEPA of two levels: Jepa below, a SlowLevel on its embedding. Where somebody leads it to a subgoal of the upper level, what
/// it pays is −|g(z) − subgoal|² in the place of the distance to the goal's picture.
///
/// Carry: Jepa's, "subgoal" [B, E] and "led" [B, 1], 1 where there is one.
class Hjepa : public Jepa {
 public:
  Hjepa(const JepaOptions& options, const SlowLevelOptions& slow, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Prediction outcome(const Carry& carry) override;
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;

  SlowLevel& slow() { return *slow_; }
  /// The same moment as the upper level has it.
  Carry above(const Carry& carry);
  std::vector<torch::Tensor> learned() const override;  // of the lower level alone

 private:
  std::shared_ptr<SlowLevel> slow_;
};

}  // namespace dream
