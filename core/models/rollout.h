#pragma once
#include <functional>

#include "core/data/sequence_batch.h"
#include "core/models/world_model.h"

namespace dream {

/// The observation of step t, [B, ...].
Observation observation_at(const SequenceBatch& batch, std::int64_t t);

/// Told the step and what a model holds then.
using AtStep = std::function<void(std::int64_t step, const Carry& carry)>;

/// Watches the first `steps` entries of a batch, each lane anew where an episode begins: the posterior's carry of the
/// last one. `each` hears of every one of them, from step 0 on.
Carry watch(WorldModel& model, const SequenceBatch& batch, std::int64_t steps, at::Generator rng,
            const AtStep& each = {});

/// Imagines on from `seen`, one step for each of `actions` [K, B, A]; `each` hears of steps 1 … K. Returns the last
/// carry.
Carry imagine_on(WorldModel& model, Carry seen, const torch::Tensor& actions, const KnobValues& knobs,
                 at::Generator rng, const AtStep& each);

}  // namespace dream
