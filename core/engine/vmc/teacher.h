#pragma once
#include <memory>
#include <string>

#include "core/engine/lanes.h"
#include "core/engine/system.h"

namespace dream {

/// Says what C should do, lane by lane, while C itself drives.
class Teacher {
 public:
  virtual ~Teacher() = default;
  virtual void begins(std::int64_t lane) = 0;
  /// [L, A], of what the lanes show now; `before` [L, A] is what was done last. Once per step.
  virtual torch::Tensor says(const RealLanes& lanes, const torch::Tensor& before, at::Generator rng) = 0;
};

/// "expert": the environment's own; otherwise a run, which watches by its own model. Throws dream::Error where there is
/// none, or the run is of another environment.
std::unique_ptr<Teacher> make_teacher(const std::string& name, const System& pupil, std::int64_t lanes);

}  // namespace dream
