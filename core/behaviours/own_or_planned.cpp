#include "core/behaviours/own_or_planned.h"

#include <algorithm>

namespace dream {
namespace {

const std::string driver_knob = "driver";

std::string prefix_of(std::size_t method) {
  return name_of(static_cast<PlanMethod>(method)) + "/";
}

const std::string guest_prefix = "guest/";

/// What the policy remembers: its names have no slash.
Carry own_part(const Carry& memory) {
  Carry part;
  for (const auto& [name, tensor] : memory) {
    if (name.find('/') == std::string::npos) part[name] = tensor;
  }
  return part;
}

Carry part_of_driver(const Carry& memory, const std::string& prefix) {
  return prefix.empty() ? own_part(memory) : part_of(memory, prefix);
}

}  // namespace

OwnOrPlanned::OwnOrPlanned(std::shared_ptr<Behaviour> own, const ActionSpace& space, const Spaces* costing)
    : own_(std::move(own)) {
  for (std::size_t i = 0; i < names_of<PlanMethod>().size(); ++i) {
    const auto method = static_cast<PlanMethod>(i);
    if (method == PlanMethod::osrp && !costing) continue;
    auto options = costing ? published_plan(method, *costing) : published_plan(method);
    options.knobs = name_of(method);
    options.knobs_when = {driver_knob, static_cast<double>(i + 1)};
    planners_.push_back(std::make_shared<Planner>(space, options, own_));
  }
}

void OwnOrPlanned::set_plan(const PlannerOptions& options, bool drives) {
  const auto method = static_cast<std::size_t>(options.method);
  auto& planner = planners_.at(method)->live_options();
  auto set = options;
  set.knobs = planner.knobs, set.knobs_when = planner.knobs_when;
  planner = set;
  usual_ = drives ? method + 1 : 0;
}

void OwnOrPlanned::invite(std::shared_ptr<Behaviour> guest, std::string name) {
  guest_ = std::move(guest), guest_name_ = std::move(name);
  usual_ = planners_.size() + 1;
}

Knob OwnOrPlanned::driver() const {
  std::vector<std::string> names = {"policy", "CEM", "iCEM", "MPPI", "shooting", "gradient", "OSRP"};
  names.resize(planners_.size() + 1);
  if (guest_) names.push_back(guest_name_);
  return {driver_knob,
          "driver",
          "Who drives",
          std::string("The run's own policy, or a plan: at every step sequences of actions are imagined in this model, and the first "
                      "action of the best is taken.") +
              (guest_ ? " The last one is another run's agent, which watches the pictures." : ""),
          0,
          static_cast<double>(names.size() - 1),
          static_cast<double>(usual_),
          false,
          true,
          {},
          std::move(names)};
}

std::vector<Knob> OwnOrPlanned::knobs() const {
  auto all = own_->knobs();
  all.push_back(driver());
  for (const auto& planner : planners_)
    for (auto& knob : planner->knobs()) all.push_back(std::move(knob));
  return all;
}

OwnOrPlanned::Driver OwnOrPlanned::driver_of(const Seen& seen) const {
  const auto chosen = static_cast<std::size_t>(value_of(seen.knobs, driver()));
  if (guest_ && chosen == planners_.size() + 1) return {*guest_, guest_prefix};
  if (chosen == 0 || chosen > planners_.size()) return {*own_, ""};
  return {*planners_[chosen - 1], prefix_of(chosen - 1)};
}

Carry OwnOrPlanned::initial(std::int64_t lanes) const {
  auto memory = own_->initial(lanes);
  for (std::size_t i = 0; i < planners_.size(); ++i) put_part(memory, prefix_of(i), planners_[i]->initial(lanes));
  if (guest_) put_part(memory, guest_prefix, guest_->initial(lanes));
  return memory;
}

Decision OwnOrPlanned::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  const auto [behaviour, prefix] = driver_of(seen);
  auto decision = behaviour.decide(seen, part_of_driver(memory, prefix), mode, rng);
  // Who does not drive remembers what it knew.
  auto all = memory;
  put_part(all, prefix, decision.memory);
  decision.memory = std::move(all);
  return decision;
}

std::vector<std::string> OwnOrPlanned::probe_names() const {
  auto all = own_->probe_names();
  for (auto& name : planners_.front()->probe_names())
    if (std::ranges::find(all, name) == all.end()) all.push_back(std::move(name));
  return all;
}

void OwnOrPlanned::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) {
  const auto [behaviour, prefix] = driver_of(seen);
  behaviour.report(seen, part_of_driver(memory, prefix), sink, rng);
  if (&behaviour != own_.get()) own_->report(seen, own_part(memory), sink, rng);
  const auto known = behaviour.probe_names();
  const auto name = planners_.front()->probe_names().front();
  if (sink.wants(name) && std::ranges::find(known, name) == known.end())
    sink.put(name, "Plan", "", Text{(&behaviour == guest_.get() ? guest_name_ + " drives; any policy that is shown is that of this run's own agent, who watches." : std::string("The run's own policy drives.")) + " Choose another driver, beside the dream's knobs, to see it plan in this model."});
}

}  // namespace dream
