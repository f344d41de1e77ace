#pragma once
#include <cstdint>

namespace dream {

/// out = ln((1 - share)·softmax(x) + share / classes) of each row [rows, classes]; x and out are apart.
void unimix_forward(std::int64_t rows, std::int64_t classes, float share, const float* x, float* out);

/// dx of the same, of `out` itself and its gradient.
void unimix_backward(std::int64_t rows, std::int64_t classes, float share, const float* out, const float* gradient,
                     float* dx);

/// A one-hot draw of each row of log-probabilities by one uniform number in [0, 1): the class at which the running sum
/// of probabilities first passes it.
void one_hot_draw(std::int64_t rows, std::int64_t classes, const float* log_probabilities, const float* uniform,
                  float* one_hot);

}  // namespace dream
