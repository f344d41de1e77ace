#pragma once
#include <cstdint>

#include "core/config/config.h"

namespace dream {

constexpr std::int64_t most_seed = 2147483647;  // of a run

/// The setting that every recipe has.
inline void seed_field(Config& config, std::int64_t& seed) {
  config.add("seed", seed, {.help = "Seed of everything that this run draws", .low = 0, .high = most_seed});
}

}  // namespace dream
