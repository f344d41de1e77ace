#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/nn/checkpoint.h"

namespace dream {

/// The whole numbers of a tensor, one for each of `meanings`. Throws dream::Error naming file, tensor and meaning for
/// another type or shape, and for a number that no count can be: below 0 or absurdly large.
std::vector<std::int64_t> counters_of(const Checkpoint& from, const std::string& name,
                                      const std::vector<std::string>& meanings);

}  // namespace dream
