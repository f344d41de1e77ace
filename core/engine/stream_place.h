#pragma once
#include <string>

#include "core/data/episode_stream.h"
#include "core/nn/checkpoint.h"

namespace dream {

/// float64 [3] under `name`, where a stream of episodes was begun. Reading it throws dream::Error naming file and tensor.
void store_place(Checkpoint& into, const std::string& name, const StreamPlace& place);
StreamPlace place_in(const Checkpoint& from, const std::string& name);

}  // namespace dream
