#pragma once
#include <cstdint>

namespace dream {

/// y [to - from] = bias + x [in] · w [in, out], of the columns `from` to `to` alone; bias may be null. Rows of w whose
/// x is 0 are not read: of one-hot latents that is nearly all.
void gemv_columns(std::int64_t in, std::int64_t out, const float* x, const float* w, const float* bias,
                  std::int64_t from, std::int64_t to, float* y);

}  // namespace dream
