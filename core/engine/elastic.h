#pragma once
#include <map>
#include <string>

#include "core/engine/system.h"

namespace dream {

/// Elastic model updating, as World Model Predictive Control has it (OpenReview F56sPNjq48; its abstract alone says
/// how: it balances quick corrections with what is known for long). The weights that act and learn are held to weights
/// that remember, which follow them slowly: after every update θ ← θ + pull·(m − θ), then m ← m + (θ − m) / memory. Of
/// what learns of model and behaviour; slow copies and statistics are not theirs.
class Elastic {
 public:
  /// After an update of `system`. What is remembered begins as what is there when `pull` is first above 0, and is
  /// forgotten when it is 0.
  void after_update(const System& system, double pull, double memory);
  bool holds() const { return !remembered_.empty(); }

  void save(Checkpoint& into, const std::string& prefix) const;
  /// Throws dream::Error for tensors that are not the system's.
  void load(const Checkpoint& from, const std::string& prefix, const System& system);

 private:
  std::map<std::string, torch::Tensor> remembered_;
};

}  // namespace dream
