#pragma once
#include <memory>

#include "core/behaviours/planner.h"
#include "core/models/hjepa.h"

namespace dream {

/// Plans at both levels of a hierarchical JEPA (LeCun 2022, section 4.6). First the far goal: the upper level looks for mean
/// actions whose strides come nearest to the goal, and where the first stride ends is the subgoal. Then the near one: the lower
/// level looks for actions that lead there, step by step. Where the goal itself lies within a stride, the lower one goes to it.
///
/// Memory: the near planner's; "subgoal" [B, E], "led" [B, 1], and "far" [B, H + 1], the upper level's distances to the goal now
/// and after every planned stride. Both plans are made anew at every step, the far one from nothing.
class TwoLevelPlanner : public Behaviour {
 public:
  TwoLevelPlanner(const ActionSpace& space, const PlannerOptions& far, const PlannerOptions& near,
                  std::int64_t slow_latent);

  Carry initial(std::int64_t lanes) const override;
  /// Throws dream::Error for a model of one level.
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<Knob> knobs() const override { return near_->knobs(); }
  std::vector<std::string> probe_names() const override;
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  struct Lead {
    torch::Tensor subgoal, led, far;  // as in memory
  };
  Lead lead(Hjepa& model, const Carry& carry, at::Generator rng);
  Planner& far() { return *far_; }
  Planner& near() { return *near_; }

 private:
  std::int64_t strides_, slow_latent_;
  ActionSpace space_;
  std::shared_ptr<Planner> far_, near_;
};

}  // namespace dream
