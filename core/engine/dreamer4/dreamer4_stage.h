#pragma once
#include "core/engine/dreamer4/dreamer4.h"
#include "core/engine/phase.h"

namespace dream {

/// Pieces of episodes, lanes first. Nothing is told of how a piece's first frame came about, nor an episode's.
struct Dreamer4Batch {
  torch::Tensor pictures;    // [B, T, C, H, W] in [0, 1]
  torch::Tensor action;      // [B, T, A'], as networks see it, that led to a frame
  torch::Tensor told;        // bool [B, T]: whether any is known to have
  torch::Tensor reward, terminated;  // [B, T], of the step that led there
  torch::Tensor episodes;    // int64 [B, T]: another number, another episode
  Dreamer4Batch rows_from(std::int64_t first) const;
};

/// A stage of the recipe: some networks learn, the others stay as they are.
class Dreamer4Stage : public Phase {
 public:
  Dreamer4Stage(std::string name, std::string title, std::shared_ptr<Dreamer4Parts> parts, const GenieStageOptions& options,
                std::vector<torch::Tensor> parameters);

  void begin() override;
  double step() final;
  double progress() const final;
  std::string detail() const final;
  void save(Checkpoint& into) const final;
  void load(const Checkpoint& from) final;
  void end() override;
  std::vector<Frame> frames() override;
  std::vector<std::string> warnings() const override { return parts_->feed->notes(); }
  std::int64_t replay_frames() const override { return parts_->feed->replay().frames(); }
  SequenceBatch replay_piece(double recency) const override { return parts_->feed->piece(recency, parts_->model->dynamics()->context()); }

 protected:
  /// The loss of an update, with gradient; adds to the curves.
  virtual torch::Tensor learn() = 0;
  /// Now and then, always of the same pieces.
  virtual void measure(const Dreamer4Batch& batch, at::Generator rng) { (void)batch, (void)rng; }
  virtual std::int64_t measured_frames() const { return parts_->options.learn.short_piece; }
  /// Before the first update.
  virtual void start() {}

  /// The pieces of this update: short, or by turns fewer that are long.
  Dreamer4Batch draw();
  Dreamer4Batch draw(std::int64_t lanes, std::int64_t frames, at::Generator rng) const;
  torch::Tensor clean_of(const Dreamer4Batch& batch) const;  // its latents [B, T, S, N], without gradient
  /// The dynamics' loss; of the last `longer` rows by bootstrap.
  ShortcutLoss forced(const Dreamer4Batch& batch, const torch::Tensor& clean, std::int64_t longer);
  void add(const std::string& curve, double value);
  /// A loss: one that is not finite ends the phase before it reaches the weights.
  void add_loss(const std::string& curve, const torch::Tensor& value);
  double last(const std::string& curve) const { return parts_->system->metrics.last(name() + "/" + curve); }
  void show(const torch::Tensor& real, const torch::Tensor& made) { real_ = real, made_ = made; }
  std::int64_t updates() const { return updates_; }  // that are done

  std::shared_ptr<Dreamer4Parts> parts_;
  const GenieStageOptions& options_;
  at::Generator rng_;

 private:
  Optimiser optimiser_;
  std::int64_t updates_ = 0;
  torch::Tensor real_, made_;
};

/// −10 log10 of a mean squared error of pictures in [0, 1].
double dreamer4_decibels(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace dream
