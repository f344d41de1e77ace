#pragma once
#include "core/base/rng.h"
#include "core/data/replay.h"
#include "core/data/sequence_batch.h"

namespace dream {

/// Pieces of `steps` frames from the replay, on the CPU, that begin at these frames (0 … frames() - 1), a lane each.
/// Where an episode ends the next one of its stream follows, marked `first`, so that short episodes serve as well as
/// long ones. The newest frame of an episode under way is marked `last`: what comes after it is not known. The replay
/// must hold a frame. Who needs no pictures spares most of the copying.
SequenceBatch sequences_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps,
                           bool pictures = true);

/// `lanes` frames to begin at, each drawn uniformly.
std::vector<std::int64_t> draw_begins(const Replay& replay, std::int64_t lanes, Rng& rng);

/// Up to `most` whole pieces of the replay's fresh frames, which are fresh no more; in every lane's stream side by side
/// and oldest first, and of the lane that has most of them first. The online queue of Dreamer V3 (danijar/dreamerv3,
/// embodied/core/replay.py): what is new is replayed at once.
std::vector<std::int64_t> new_begins(Replay& replay, std::int64_t steps, std::int64_t most);

/// What the replay keeps beside these pieces: bf16 [steps, lanes, S]. keep_states writes such rows.
torch::Tensor states_at(const Replay& replay, const std::vector<std::int64_t>& begins, std::int64_t steps);
void keep_states(Replay& replay, const std::vector<std::int64_t>& begins, const torch::Tensor& states);
/// The same of the frame before each piece, bf16 [lanes, S]; means nothing where a piece begins an episode.
torch::Tensor states_before(const Replay& replay, std::vector<std::int64_t> begins);
/// The same of the frames from `begin` to before `end`, in the order of their numbers: bf16 [end - begin, S].
torch::Tensor states_between(const Replay& replay, std::int64_t begin, std::int64_t end);
void put_states(Replay& replay, std::int64_t begin, const torch::Tensor& states);

/// Where a piece of `steps` frames must begin to hold frame `index` and stay within its episode: the episode's first
/// frame where that is too short.
std::int64_t whole_piece(const Replay& replay, std::int64_t index, std::int64_t steps);

}  // namespace dream
