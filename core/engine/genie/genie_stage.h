#pragma once
#include "core/engine/genie/genie_parts.h"
#include "core/engine/phase.h"

namespace dream {

/// A stage of a recipe that finds its controls in videos: one network learns, the others stay as they are.
class GenieStage : public Phase {
 public:
  GenieStage(std::string name, std::string title, std::shared_ptr<GenieParts> parts, const GenieStageOptions& options,
             std::vector<torch::Tensor> parameters);

  double step() final;
  double progress() const final;
  std::string detail() const final;
  void save(Checkpoint& into) const final;
  void load(const Checkpoint& from) final;
  void end() override;
  std::vector<Frame> frames() override;

 protected:
  /// The loss of pictures [B, T, C, H, W]; adds to the curves.
  virtual torch::Tensor learn(const torch::Tensor& pictures) = 0;
  virtual void after_step() {}
  virtual void measure(const GenieParts::Pieces& unseen, at::Generator rng) = 0;
  /// Frames of the pieces that it learns from.
  virtual std::int64_t piece() const { return parts_->model->frames(); }

  void add(const std::string& curve, const torch::Tensor& value) { add(curve, value.item<double>()); }
  void add(const std::string& curve, double value);
  /// A loss: one that is not finite ends the phase before it reaches the weights.
  void add_loss(const std::string& curve, const torch::Tensor& value);
  double last(const std::string& curve) const { return parts_->system->metrics.last(name() + "/" + curve); }
  void show(const torch::Tensor& real, const torch::Tensor& made);
  LatentActions& latent_actions() const { return parts_->model->latent_actions(); }
  std::int64_t updates() const { return updates_; }  // that are done

  std::shared_ptr<GenieParts> parts_;
  const GenieStageOptions& options_;
  at::Generator rng_;

 private:
  Optimiser optimiser_;
  std::int64_t updates_ = 0;
  torch::Tensor real_, made_;
};

/// The stage "dynamics", whatever makes the next frame: what unseen dreams are worth, and a warning where they do not
/// listen.
class GenieDynamicsStage : public GenieStage {
 public:
  GenieDynamicsStage(std::string title, const std::shared_ptr<GenieParts>& parts, std::vector<torch::Tensor> parameters)
      : GenieStage("dynamics", std::move(title), parts, parts->options.dynamics, std::move(parameters)) {}
  std::vector<std::string> warnings() const final;

 protected:
  /// Half of each piece is watched and the other half imagined, under the codes that were inferred from it and under
  /// others.
  void measure(const GenieParts::Pieces& unseen, at::Generator rng) final;
};

/// −10 log10 of a mean squared error; an error of nothing counts as that of half a level.
double decibels(const torch::Tensor& a, const torch::Tensor& b);

std::shared_ptr<Phase> genie_actions_phase(std::shared_ptr<GenieParts> parts);
std::vector<Metrics::Spec> genie_action_curves();
/// Of dreams, beside the loss.
std::vector<Metrics::Spec> genie_dream_curves();

}  // namespace dream
