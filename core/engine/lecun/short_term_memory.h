#pragma once
#include <string>

#include "core/nn/carry.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// The short-term memory of LeCun's architecture (LeCun 2022, section 3): states that were thought of lately, what was done in
/// each, and what it cost. Mode 2 writes its plans into it; the policy learns from it what to do, the critic what costs came
/// after a state. A ring: the oldest go first.
class ShortTermMemory {
 public:
  explicit ShortTermMemory(std::int64_t room) : room_(room) {}

  /// Further rows: "features" [N, H + 1, F], "actions" [N, H, A], "costs" [N, H, C], on the CPU. Plans of another length H take the place of all that is there.
  void write(const Carry& rows);
  std::int64_t size() const { return rows_.empty() ? 0 : rows_.begin()->second.size(0); }
  /// `count` rows, each as likely, also more than once.
  Carry draw(std::int64_t count, at::Generator rng) const;

  /// Σ_{k ≥ t} γ^(k − t) c_k + γ^(H − t) `end` for every step t of costs [N, H, C], where `end` [N, C] is still to come after
  /// the last: [N, H, C].
  static torch::Tensor to_come(const torch::Tensor& costs, const torch::Tensor& end, double discount);

  void save(Checkpoint& into, const std::string& prefix) const;
  /// Throws dream::Error for rows of different count, or numbers that are not finite.
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  std::int64_t room_, next_ = 0;
  Carry rows_;
};

}  // namespace dream
