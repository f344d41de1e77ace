#pragma once
#include <cstdint>
#include <functional>

namespace dream {

/// Shares 0 … count - 1 out to Torch's threads, at least `grain` numbers to each; `work` gets a stretch of them. What it
/// computes with Torch then has one thread. Throws what a thread throws.
///
/// at::parallel_for is compiled into whoever calls it, and without OpenMP, as here, it has one thread. This goes through
/// Torch's own library, which has all of them.
void on_threads(std::int64_t count, std::int64_t grain,
                const std::function<void(std::int64_t first, std::int64_t last)>& work);

}  // namespace dream
