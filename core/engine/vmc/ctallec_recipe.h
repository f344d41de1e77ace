#pragma once
#include <memory>

#include "core/engine/system.h"

namespace dream {

/// V, M and C of ctallec/world-models (read at d6abd9c), with what differs from Ha's: a ReLU in V's decoder, V's mean as z, one mixture of
/// whole z, rewards and ends, a controller that squashes nothing, and pictures of the whole world, CarRacing's bar as well. Such a run
/// is brought (core/engine/brought): it is dreamt with and measured, and nothing of it is learned here. Throws dream::Error for a
/// run that was to be trained.
std::unique_ptr<System> make_vmc_ctallec(const RunSpec& spec);

}  // namespace dream
