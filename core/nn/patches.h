#pragma once
#include <torch/types.h>

namespace dream {

/// Pictures [..., C, H, W] as patches of `side` x `side` pixels in the order of reading: [..., (H / side)(W / side),
/// side² C].
torch::Tensor patches_of(const torch::Tensor& pictures, std::int64_t side);
/// And back, to pictures of `height` x `width` pixels.
torch::Tensor joined_patches(const torch::Tensor& patches, std::int64_t side, std::int64_t height, std::int64_t width);

}  // namespace dream
