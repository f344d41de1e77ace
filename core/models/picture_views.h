#pragma once
#include <ATen/core/Generator.h>

#include "core/config/config.h"
#include "core/nn/torch.h"

namespace dream {

/// How a picture is changed so that two of it are alike in what matters: for the pictures of our worlds, which are small, and
/// in which where something stands matters. So nothing is mirrored, and a crop keeps most of the picture.
struct ViewOptions {
  double crop_least = 0.6;  // share of the picture's area that a crop keeps, up to all of it; 1 = no crop
  double jitter = 0.4;      // brightness and contrast change by up to this share
  double grey = 0.2;        // chance that colours go
  double blur = 0.5;        // chance of a blur
  double cut = 0.25;        // side of a square that is painted over, as a share of the picture's; 0 = none

  void fields(Config& config, const std::string& prefix);
};

/// uint8 [N, H, W, C] -> float [N, C, H, W] in [0, 1]: a view of each, by chance.
torch::Tensor view_of(const torch::Tensor& pictures, const ViewOptions& options, at::Generator rng);

}  // namespace dream
