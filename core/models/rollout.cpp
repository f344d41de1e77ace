#include "core/models/rollout.h"

namespace dream {

Observation observation_at(const SequenceBatch& batch, std::int64_t t) {
  const auto of = [&](const torch::Tensor& x) { return x.defined() ? x[t] : x; };
  return {of(batch.image), of(batch.vector)};
}

Carry watch(WorldModel& model, const SequenceBatch& batch, std::int64_t steps, at::Generator rng, const AtStep& each) {
  torch::NoGradGuard no_grad;
  const auto nothing = model.initial(batch.lanes());
  auto carry = nothing;
  for (std::int64_t t = 0; t < steps; ++t) {
    carry =
        model.observe(where_fresh(batch.first[t] > 0, nothing, carry), batch.action[t], observation_at(batch, t), rng);
    if (each) each(t, carry);
  }
  return carry;
}

Carry imagine_on(WorldModel& model, Carry seen, const torch::Tensor& actions, const KnobValues& knobs,
                 at::Generator rng, const AtStep& each) {
  torch::NoGradGuard no_grad;
  for (std::int64_t k = 0; k < actions.size(0); ++k) {
    seen = model.imagine(seen, actions[k], knobs, rng);
    if (each) each(k + 1, seen);
  }
  return seen;
}

}  // namespace dream
