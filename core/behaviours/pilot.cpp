#include "core/behaviours/pilot.h"

namespace dream {

Pilot::Pilot(std::shared_ptr<Behaviour> behaviour, std::int64_t lanes, Mode mode)
    : behaviour_(std::move(behaviour)), lanes_(lanes), mode_(mode), memory_(behaviour_->initial(lanes)) {}

void Pilot::start(std::int64_t lane) {
  memory_ = begun_anew(lane, behaviour_->initial(lanes_), memory_);
}

torch::Tensor Pilot::drive(const Seen& seen, at::Generator rng) {
  torch::NoGradGuard no_grad;
  auto decision = behaviour_->decide(seen, memory_, mode_, std::move(rng));
  memory_ = std::move(decision.memory);
  record_ = std::move(decision.record);
  return decision.action;
}

void Pilot::save(Checkpoint& into, const std::string& prefix) const {
  store_carry(into, prefix, memory_, behaviour_->initial(lanes_));
}

void Pilot::load(const Checkpoint& from, const std::string& prefix) {
  const auto begun = behaviour_->initial(lanes_);
  if (begun.empty() || !from.tensors.contains(prefix + begun.begin()->first)) {
    memory_ = begun;
  } else {
    memory_ = load_carry(from, prefix, begun);
  }
}

}  // namespace dream
