#pragma once
#include "api/spaces.h"
#include "core/behaviours/behaviour.h"

namespace dream {

/// Q of every state and action as a table, and the ε-greedy policy over it (Sutton & Barto, chapter 6). States come as the
/// one-hot features of a model.
class TablePolicy : public Behaviour {
 public:
  TablePolicy(std::int64_t states, std::int64_t columns, const ActionSpace& space);

  /// Greedy, equal ones by chance; while collecting a random action with probability ε.
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override;  // max Q
  double discount() const override { return discount_; }
  std::vector<std::string> probe_names() const override { return {"table/values", "table/policy", "table/actions"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  torch::Tensor& q() { return q_; }  // float64 [S, A]
  double* row(std::int64_t state) { return q_.data_ptr<double>() + state * q_.size(1); }
  void set(double epsilon, double discount) { epsilon_ = epsilon, discount_ = discount; }

 private:
  torch::Tensor of(const Seen& seen) const;
  Image arrows(std::int64_t here) const;
  ActionSpace space_;
  std::int64_t columns_;
  double epsilon_ = 0.1, discount_ = 0.95;
  torch::Tensor q_;
};

}  // namespace dream
