#include "core/nn/begin_lstm.h"

namespace dream {

void begin_lstm(torch::nn::Module& lstm) {
  torch::NoGradGuard no_grad;
  for (const auto& item : lstm.named_parameters(false)) {
    auto weight = item.value();
    if (item.key().starts_with("weight_ih")) torch::nn::init::xavier_uniform_(weight);
    if (item.key().starts_with("weight_hh")) torch::nn::init::orthogonal_(weight);
    if (item.key().starts_with("bias")) weight.zero_();
    // Gates are in the order i, f, g, o.
    if (item.key().starts_with("bias_ih")) weight.slice(0, weight.size(0) / 4, weight.size(0) / 2).fill_(1);
  }
}

}  // namespace dream
