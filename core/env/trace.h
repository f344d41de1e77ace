#pragma once
#include <cstdint>
#include <string>

#include "core/base/npy.h"
#include "core/env/env.h"

namespace dream {

/// Plays `actions` [T, A] (or [T] for one axis or discrete choices) from reset(seed) until they or the episode end, and
/// returns, for the T' steps that were made:
///   observation [T', H, W, C] uint8   the picture after each step, where the environment has one
///   vector [T', V] float32            likewise
///   reward [T'] float32, terminated [T'] bool, truncated [T'] bool
///   cost [T'] float32                 where the environment has costs
/// and the environment's diagnostics: those of each step as [T', …] (CarRacing: pose [T', 3]), those of the episode as
/// they are (track [N, 4]), all float64.
/// Throws dream::Error when the actions' shape or a value does not fit.
Npz make_trace(Env& env, std::uint64_t seed, const NpyArray& actions);

/// What is wrong with a value of an action: it is no choice's index, or not finite. Empty where nothing is.
std::string no_action(float value, const ActionSpace& space, std::size_t axis);

}  // namespace dream
