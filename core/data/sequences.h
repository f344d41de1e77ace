#pragma once
#include "core/base/rng.h"
#include "core/data/replay.h"
#include "core/models/sequence_model.h"

namespace dream {

/// Pieces of `steps` frames from the replay, on the CPU, that begin at these frames (0 … frames() - 1), a lane each.
/// Where an episode ends the next one of the replay follows, marked `first`, so that short episodes serve as well as
/// long ones. The replay must hold an episode.
SequenceBatch sequences_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps);

/// `lanes` frames to begin at, each drawn uniformly.
std::vector<std::int64_t> draw_begins(const Replay& replay, std::int64_t lanes, Rng& rng);

/// Up to `most` whole pieces of frames that came after the first `seen` ones ever added, side by side and oldest first;
/// `seen` moves behind them, and behind what is gone. The online queue of Dreamer V3 (danijar/dreamerv3,
/// embodied/core/replay.py): what is new is replayed at once.
std::vector<std::int64_t> new_begins(const Replay& replay, std::int64_t steps, std::int64_t most, std::int64_t& seen);

/// What the replay keeps beside these pieces: bf16 [steps, lanes, S]. keep_states writes such rows.
torch::Tensor states_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps);
void keep_states(Replay& replay, const std::vector<std::int64_t>& begins, const torch::Tensor& states);
/// The same of the frame before each piece, bf16 [lanes, S]; means nothing where a piece begins an episode.
torch::Tensor states_before(const Replay& replay, std::vector<std::int64_t> begins);

/// Where a piece of `steps` frames must begin to hold frame `index` and stay within its episode: the episode's first
/// frame where that is too short.
std::int64_t whole_piece(const Replay& replay, std::int64_t index, std::int64_t steps);

}  // namespace dream
