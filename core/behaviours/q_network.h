#pragma once
#include "api/spaces.h"
#include "core/behaviours/behaviour.h"
#include "core/config/config.h"
#include "core/nn/dense.h"

namespace dream {

struct QNetworkOptions {
  std::int64_t layers = 2, units = 128;
  double discount = 0.99, epsilon = 0.1;

  void fields(Config& config, const std::string& prefix);
};

/// Q of every choice as a network of a model's features, and the ε-greedy policy over it (Mnih et al. 2015), with the slow
/// copy that says what the next state is worth; the choice there is the network's own (van Hasselt et al. 2016).
class QNetwork : public Behaviour {
 public:
  /// Throws dream::Error where actions are no choices.
  QNetwork(std::int64_t features, const ActionSpace& space, const QNetworkOptions& options);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return q_->forward(seen.features()).amax(-1); }
  double discount() const override { return options_.discount; }
  std::vector<std::string> probe_names() const override { return {"behaviour/q"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  /// Huber loss of Q(x, a) towards r + γ·Q'(x', argmax Q(x', ·)), over the rows that count; features [N, F], action [N, 1],
  /// the others [N]. Scalar.
  torch::Tensor loss(const torch::Tensor& features, const torch::Tensor& action, const torch::Tensor& reward,
                     const torch::Tensor& after, const torch::Tensor& done, const torch::Tensor& counts);
  void update_slow();  // the copy is the network as it is now
  std::vector<torch::Tensor> learned() const { return q_->parameters(); }
  QNetworkOptions& live_options() { return options_; }

 private:
  QNetworkOptions options_;
  ActionSpace space_;
  Mlp q_{nullptr}, slow_{nullptr};
};

}  // namespace dream
