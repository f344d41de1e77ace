#include "core/engine/pretrain/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dream {

double along_cosine(std::int64_t update, std::int64_t all, double first, double last) {
  const double share =
      std::clamp(static_cast<double>(update) / static_cast<double>(std::max<std::int64_t>(1, all)), 0.0, 1.0);
  return last + (first - last) * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

double warm_then_cosine(std::int64_t update, std::int64_t warm, std::int64_t all, double first, double peak,
                        double last) {
  if (update < warm)
    return first + (peak - first) * static_cast<double>(update) / static_cast<double>(std::max<std::int64_t>(1, warm));
  return along_cosine(update - warm, all - warm, peak, last);
}

double along_line(std::int64_t update, std::int64_t all, double first, double last) {
  const double share = static_cast<double>(update - 1) / static_cast<double>(std::max<std::int64_t>(1, all));
  return first + (last - first) * std::clamp(share, 0.0, 1.0);
}

}  // namespace dream
