#pragma once
#include <torch/torch.h>

#include "core/models/world_model.h"

namespace dream {

/// A policy over the features of a world model. It knows neither the environment nor the model family.
class Behaviour : public torch::nn::Module {
 public:
  /// features [B, F] -> action [B, A], within the action space's bounds.
  virtual torch::Tensor act(const torch::Tensor& features, at::Generator rng) = 0;
};

}  // namespace dream
