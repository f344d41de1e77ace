#pragma once
#include <cstdint>

namespace dream {

// How a number goes over `all` updates, of update 1, 2 …; as facebookresearch/ijepa, src/utils/schedulers.py, has them.

/// Rises along a line from `first` to `peak` over `warm` updates, then falls as half a cosine to `last`.
double warm_then_cosine(std::int64_t update, std::int64_t warm, std::int64_t all, double first, double peak,
                        double last);
/// Half a cosine from one to the other.
double along_cosine(std::int64_t update, std::int64_t all, double first, double last);
/// A line, which `first` begins with update 1.
double along_line(std::int64_t update, std::int64_t all, double first, double last);

}  // namespace dream
