#pragma once
#include <cstdint>

namespace dream {

/// Training draws the seeds of its episodes below, evaluation takes them from here on: what is evaluated on has never
/// been trained on.
constexpr std::uint64_t first_evaluation_seed = std::uint64_t{1} << 31;

}  // namespace dream
