#pragma once
#include "core/nn/torch.h"

namespace dream {

/// The first weights of DIAMOND's LSTMs (a torch::nn::LSTM or LSTMCell): Glorot from the input, orthogonal from the state, forget
/// bias 1.
void begin_lstm(torch::nn::Module& lstm);

}  // namespace dream
