#pragma once
#include "core/base/rng.h"
#include "core/data/replay.h"
#include "core/models/sequence_model.h"

namespace dream {

/// `lanes` pieces of `steps` steps from the replay, on the CPU, each from a frame drawn uniformly. Where an episode ends
/// the next one of the replay follows, marked `first`, so that short episodes serve as well as long ones. The replay must
/// hold an episode.
SequenceBatch draw_sequences(const Replay& replay, std::int64_t steps, std::int64_t lanes, Rng& rng);

/// The one piece that begins at frame `index` of the replay (0 … frames() - 1).
SequenceBatch sequence_at(const Replay& replay, std::int64_t index, std::int64_t steps);

}  // namespace dream
