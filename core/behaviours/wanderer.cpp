#include "core/behaviours/wanderer.h"

namespace dream {
namespace {

constexpr double turn = 0.475;  // radians: σ of a normal whose mean resultant length is that of von Mises with κ = 5
constexpr double usual_step = 0.5, step_deviation = 0.25, least_step = 0.05;

}  // namespace

Wanderer::Wanderer(const ActionSpace& space, std::shared_ptr<Behaviour> judged)
    : space_(space), judged_(register_module("judged", std::move(judged))) {}

Carry Wanderer::initial(std::int64_t lanes) const {
  auto memory = judged_->initial(lanes);
  memory["heading"] = torch::zeros({lanes, static_cast<std::int64_t>(space_.size())});
  return memory;
}

Decision Wanderer::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  if (mode == Mode::judge) {
    auto decision = judged_->decide(seen, memory, mode, rng);
    decision.memory["heading"] = memory.at("heading");
    return decision;
  }
  const auto& before = memory.at("heading");
  const auto lanes = before.size(0);
  const auto noise = torch::randn(before.sizes(), rng, before.options());
  // Nobody heads anywhere at first: any direction is as likely.
  const auto heading = torch::where((before != 0).any(-1, true), before + turn * noise, noise);
  Decision decision;
  decision.memory = memory;
  const auto straight = heading / heading.norm(2, -1, true).clamp_min(1e-6);
  decision.memory["heading"] = straight;
  const auto length = (usual_step + step_deviation * torch::randn({lanes, 1}, rng, before.options())).clamp(least_step, 1);
  const auto low = torch::tensor(space_.low).to(before.device()), high = torch::tensor(space_.high).to(before.device());
  decision.action = (low + high) / 2 + (high - low) / 2 * straight * length;
  return decision;
}

}  // namespace dream
