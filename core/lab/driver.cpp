#include "core/lab/driver.h"

#include "core/behaviours/random_action.h"

namespace dream {

Driver::Driver(std::shared_ptr<Behaviour> by, ActionSpace space, std::int64_t lanes)
    : by_(std::move(by)), space_(std::move(space)), lanes_(lanes) {
  if (by_) memory_ = by_->initial(lanes);
}

torch::Tensor Driver::drive(const Seen& seen, at::Generator rng) {
  torch::NoGradGuard no_grad;
  if (!by_) {
    const auto device = seen.carry.empty() ? torch::Device(torch::kCPU) : seen.carry.begin()->second.device();
    return random_action(space_, lanes_, std::move(rng), device);
  }
  auto decision = by_->decide(seen, memory_, Mode::judge, std::move(rng));
  memory_ = std::move(decision.memory);
  return decision.action;
}

Driver Driver::copies(std::int64_t count) const {
  auto made = *this;
  made.lanes_ = lanes_ * count;
  made.memory_ = repeated(memory_, count);
  return made;
}

std::shared_ptr<Behaviour> driving_behaviour(const System& system, const Spaces& spaces) {
  if (!system.behaviour || (system.model && system.model->actions(spaces).size() != spaces.action.size()))
    return nullptr;
  return system.behaviour;
}

}  // namespace dream
