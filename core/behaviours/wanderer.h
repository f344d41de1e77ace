#pragma once
#include <memory>

#include "api/spaces.h"
#include "core/behaviours/behaviour.h"

namespace dream {

/// Wanders while it collects, and leaves all else to another behaviour: a walk whose heading turns a little with every step,
/// by normal noise of the concentration that eb_jepa's von Mises has (κ = 5), and whose steps are N(0.5, 0.25) of the longest,
/// within 0.05 and 1. Of boxes alone.
class Wanderer : public Behaviour {
 public:
  Wanderer(const ActionSpace& space, std::shared_ptr<Behaviour> judged);

  Carry initial(std::int64_t lanes) const override;  // "heading" [B, A], of norm 1, all 0 before the first step; the other's
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return judged_->value(seen); }
  double discount() const override { return judged_->discount(); }
  torch::Tensor expected_cost(const Seen& seen) override { return judged_->expected_cost(seen); }
  std::vector<Knob> knobs() const override { return judged_->knobs(); }
  std::vector<std::string> probe_names() const override { return judged_->probe_names(); }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override {
    judged_->report(seen, memory, sink, rng);
  }

 private:
  ActionSpace space_;
  std::shared_ptr<Behaviour> judged_;
};

}  // namespace dream
