#pragma once
#include <ATen/core/Generator.h>

#include <functional>

#include "core/nn/torch.h"

namespace dream {

// Shortcut forcing (Hafner et al. 2025, section 3.2; shortcut models, Frans et al. 2024; Diffusion Forcing, Chen et al.
// 2024). A frame of signal level τ is z_τ = (1 − τ) ε + τ z, 0 noise alone and 1 clean; a network that is told τ and how
// long a step d it will take says what it takes for z, ẑ = f(z_τ, τ, d). Both lie on a grid: d = 1 / 2^e, of which
// 1 / `finest` is the least, and τ a multiple of d, told as its number of finest steps.

/// What a batch of frames is noised by, and told.
struct ShortcutDraw {
  torch::Tensor step;   // int64 [B, T]: e
  torch::Tensor level;  // int64 [B, T]: τ · finest
  torch::Tensor noise;  // [B, T, ...]: ε
};

/// ẑ of the rows from `first` on: noisy [B', T, ...], level and step [B', T] as above.
using ShortcutDenoiser =
    std::function<torch::Tensor(const torch::Tensor& noisy, const torch::Tensor& level, const torch::Tensor& step, std::int64_t first)>;

struct ShortcutLoss {
  torch::Tensor total;            // scalar, with gradient: the mean over rows of both kinds
  torch::Tensor flow, bootstrap;  // |ẑ − z|² of the first rows; (1 − τ)² |v − v'|² of the others, 0 without any. No weights
};

/// Every frame's own draw: the first rows take the finest step, the last `longer` rows a longer one.
ShortcutDraw draw_shortcut(const torch::Tensor& clean, std::int64_t finest, std::int64_t longer, at::Generator rng);

/// Of the first rows, whose step is the finest, |ẑ − z|²; of the last `longer`, that their step is what two of half its
/// length come to: (1 − τ)² |(ẑ − z_τ) / (1 − τ) − sg((b' + b'') / 2)|² with b' = (f(z_τ, τ, d/2) − z_τ) / (1 − τ), z' = z_τ +
/// b' d/2 and b'' likewise at τ + d/2. Each weighs 0.9 τ + 0.1. A row's loss is a mean over its numbers.
ShortcutLoss shortcut_loss(const ShortcutDenoiser& denoiser, const torch::Tensor& clean, const ShortcutDraw& draw, std::int64_t finest,
                           std::int64_t longer);

/// A step of length 1 / `steps` of a frame of level `at` / `steps` towards ẑ: z + (ẑ − z) / (1 − τ) · d. The last lands on ẑ.
torch::Tensor shortcut_step(const torch::Tensor& noisy, const torch::Tensor& clean, std::int64_t at, std::int64_t steps);

/// e of a step of length 1 / `steps`. Throws dream::Error for what is no power of two.
std::int64_t shortcut_exponent(std::int64_t steps);

}  // namespace dream
