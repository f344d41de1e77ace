#pragma once
#include "core/engine/collapse_meter.h"
#include "core/engine/jepa/jepa_recipe.h"

namespace dream {

/// Learns a Jepa, and watches for its collapse. Who learns more beside it derives from this.
class JepaLearner : public Learner {
 public:
  explicit JepaLearner(JepaParts& parts);

  void update(Feed& feed, std::int64_t number, at::Generator rng) override;
  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.options.train.length);
  }
  Needs needs() const override;
  std::int64_t least_steps() const override { return parts_.options.train.length; }
  std::vector<Metrics::Spec> curves() const override;
  void follow_settings() override;
  void save(Checkpoint& into, const std::string& prefix) const override;
  void load(const Checkpoint& from, const std::string& prefix) override;
  void rest() override { sheet_ = {}; }
  std::vector<Frame> frames(const Feed& feed) override;
  std::vector<std::string> warnings() const override;
  std::vector<std::string> probe_names() const override;
  void report(ProbeSink& sink) override {
    if (meter_) meter_->report(sink);
  }

 protected:
  /// After the model's own update, from the states `z` [T, B, D] of its batch.
  virtual void learn_more(const SequenceBatch& batch, const torch::Tensor& z, std::int64_t number, at::Generator rng) {
    (void)batch, (void)z, (void)number, (void)rng;
  }
  /// The learning rate falls as half a cosine to a hundredth over the updates that the run's steps allow: the share of it.
  double cooled(std::int64_t number) const;

  JepaParts& parts_;

 private:
  Optimiser optimiser_;
  std::unique_ptr<ViewingTrainer> viewer_;
  std::unique_ptr<CollapseMeter> meter_;
  SequenceBatch sheet_;
  std::int64_t number_ = 0, sheet_since_ = 0;
};

}  // namespace dream
