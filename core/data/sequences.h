#pragma once
#include "core/base/rng.h"
#include "core/data/replay.h"
#include "core/models/sequence_model.h"

namespace dream {

/// `lanes` pieces of `steps` steps from the replay, on the CPU, each from a frame drawn uniformly. Where an episode
/// ends the next one of the replay follows, marked `first`, so that short episodes serve as well as long ones. The
/// replay must hold an episode.
SequenceBatch draw_sequences(const Replay& replay, std::int64_t steps, std::int64_t lanes, Rng& rng);

/// The pieces that begin at these frames of the replay (0 … frames() - 1), a lane each.
SequenceBatch sequences_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps);

/// Where a piece of `steps` frames must begin to hold frame `index` and stay within its episode: the episode's first
/// frame where that is too short.
std::int64_t whole_piece(const Replay& replay, std::int64_t index, std::int64_t steps);

}  // namespace dream
