#pragma once
#include <vector>

#include "core/behaviours/planner.h"

namespace dream {

/// Who has a policy of its own may plan in the same model instead, by any method: a knob says who drives. What the policy
/// says that a state is worth counts at the plan's horizon. A guest from another run may drive too. It has no weights of its own: `own` is
/// kept by whoever learns.
class OwnOrPlanned : public Behaviour {
 public:
  /// `costing`: the world, where the model predicts what its steps cost; otherwise nobody plans below a limit.
  OwnOrPlanned(std::shared_ptr<Behaviour> own, const ActionSpace& space, const Spaces* costing = nullptr);

  /// A recipe's own settings of a method in the place of the published ones; `drives`: so it drives where nobody chooses.
  void set_plan(const PlannerOptions& options, bool drives);
  /// Somebody else may drive as well, and does where nobody chooses; `name` is what the knob calls them.
  void invite(std::shared_ptr<Behaviour> guest, std::string name);

  Carry initial(std::int64_t lanes) const override;
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return own_->value(seen); }
  double discount() const override { return own_->discount(); }
  torch::Tensor expected_cost(const Seen& seen) override { return own_->expected_cost(seen); }
  std::vector<Knob> knobs() const override;
  std::vector<std::string> probe_names() const override;
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

 private:
  Knob driver() const;
  struct Driver {
    Behaviour& behaviour;
    std::string prefix;  // of what it remembers
  };
  Driver driver_of(const Seen& seen) const;

  std::shared_ptr<Behaviour> own_;
  std::vector<std::shared_ptr<Planner>> planners_;  // in the order of PlanMethod, osrp last
  std::shared_ptr<Behaviour> guest_;                // last of all; null: nobody
  std::string guest_name_;
  std::size_t usual_ = 0;  // who drives where nobody chooses, as the knob counts
};

}  // namespace dream
