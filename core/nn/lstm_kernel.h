#pragma once
#include <cstdint>

namespace dream {

/// The pointwise half of an LSTM step for `rows` lanes, gate order i, j (candidate), f, o as in TensorFlow's
/// BasicLSTMCell; `forget_bias` is added to f here and is not stored. Torch-free loops that the compiler turns into
/// the widest vectors of the processor at hand.
///
/// Forward: `gates` [rows, 4H] holds the pre-activations and is overwritten with the activations;
/// c' = σ(f)·c + σ(i)·tanh(j), h' = σ(o)·tanh(c').
void lstm_pointwise(std::int64_t rows, std::int64_t hidden, float forget_bias, float* gates, const float* cell_before,
                    float* cell, float* out);

/// Backward: `gates` holds the activations and is overwritten with the gradients of the pre-activations;
/// `cell_gradient` [rows, H] holds dL/dc' from the step after and becomes dL/dc.
void lstm_pointwise_backward(std::int64_t rows, std::int64_t hidden, float* gates, const float* cell_before,
                             const float* cell, const float* out_gradient, float* cell_gradient);

}  // namespace dream
