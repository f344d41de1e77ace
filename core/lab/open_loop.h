#pragma once
#include <vector>

#include "api/snapshot.h"
#include "core/models/sequence_model.h"

namespace dream {

/// What a model makes of a batch's first sequences: the last frame it saw and its reconstruction, and a sheet of `lanes`
/// sequences in three rows each (truth, dream, difference), of which the first `context` frames were seen and the rest
/// was imagined under the true actions. For models that paint pictures.
std::vector<Frame> open_loop_frames(WorldModel& model, const SequenceBatch& batch, std::int64_t context, at::Generator rng,
                                    std::int64_t lanes = 3, std::int64_t columns = 16);

}  // namespace dream
