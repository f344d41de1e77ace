#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/engine/dreamer/dreamer.h"

namespace dream {

/// The world model from a batch of sequences, the actor-critic from what is imagined from their states, in one step.
class DreamerLearner : public Learner {
 public:
  explicit DreamerLearner(DreamerParts& parts);

  void update(Feed& feed, std::int64_t number, at::Generator rng) override;
  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.options.train.length);
  }
  Needs needs() const override {
    const auto sees = parts_.options.world.observe;
    return {sees != Sees::vector, sees != Sees::image};
  }
  bool recalls() const override { return true; }
  std::int64_t least_steps() const override { return parts_.options.train.length; }
  std::vector<Metrics::Spec> curves() const override;

  void follow_settings() override;
  void save(Checkpoint& into, const std::string& prefix) const override;
  void load(const Checkpoint& from, const std::string& prefix) override;

  void rest() override { batch_ = sheet_ = {}; }
  std::vector<Frame> frames(const Feed& feed) override;
  std::vector<std::string> warnings() const override { return warnings_; }
  std::vector<std::string> probe_names() const override;
  void report(ProbeSink& sink) override;

 protected:
  /// Weights that a step of their own is taken with; `name` is that of the optimiser's state in checkpoints.
  void optimise(std::string name, std::string curve, std::vector<torch::Tensor> parameters,
                const OptimiserOptions& options);
  DreamerParts& parts_;

 private:
  struct Optimised {
    std::string name, curve;
    const OptimiserOptions& options;  // as they are set now
    Optimiser optimiser;
  };
  Metrics& metrics() const { return parts_.system->metrics; }
  void look_back(const SequenceLoss& world);

  std::vector<Optimised> optimised_;
  SequenceBatch batch_, sheet_;  // the last one, for probes; what the open-loop picture shows
  std::int64_t number_ = 0, sheet_since_ = 0;
  std::vector<std::string> warnings_;
};

/// The same with a critic of costs, and a multiplier that learns from what real episodes cost.
class SafeDreamerLearner : public DreamerLearner {
 public:
  explicit SafeDreamerLearner(DreamerParts& parts);

  void lived(const Episode& piece, bool again) override;
  std::vector<Metrics::Spec> curves() const override;

 private:
  std::map<int, double> cost_;  // of each lane's episode so far; told again where a run goes on
};

}  // namespace dream
