#pragma once
#include <chrono>

namespace dream {

/// Seconds on a clock that only goes forward, shared by window and engine so that latencies can be measured across
/// them.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace dream
