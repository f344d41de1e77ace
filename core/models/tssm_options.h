#pragma once
#include <cstdint>
#include <string>

#include "core/config/config.h"
#include "core/models/sees.h"
#include "core/nn/memory_transformer.h"

namespace dream {

/// Whose transformer state-space model: TransDreamer (Chen et al. 2022; changchencc/TransDreamer) or STORM (Zhang et al. 2023;
/// weipu-zhang/STORM). It decides how layers are arranged; sizes and weights of losses are settings.
enum class TssmKind { transdreamer, storm };

/// Both models' constants; the defaults are STORM's. set_published() in core/engine/tssm sets TransDreamer's.
struct TssmOptions {
  TssmKind kind = TssmKind::storm;
  Sees observe = Sees::image;  // both papers' models see pictures
  bool paint = true;           // one that sees vectors alone learns to paint pictures too, for people
  std::int64_t paint_every = 4;    // of its moments in a batch one in so many is painted
  std::int64_t vector_layers = 2;  // of the coders of vectors, which are squashed by symlog
  double vector_scale = 1;         // of their squared error
  std::int64_t groups = 32, classes = 32;  // of the latent
  double unimix = 0.01;                    // share of the uniform in every categorical
  std::int64_t width = 512, layers = 2, heads = 8, each = 64, between = 1024;  // of the transformer; see MemoryTransformerOptions
  std::int64_t window = 64;  // tokens that it looks at
  std::int64_t keep = 32;    // of them it goes on with, where the window is full
  double dropout = 0.1;      // while it learns
  std::int64_t depth = 32;   // channels after the encoder's first convolution
  std::int64_t hidden = 512, units = 512, head_layers = 2;  // of prior and posterior (TransDreamer); of the heads
  double image_deviation = 1;  // σ of -log N(x; x̂, σ²) (TransDreamer)
  double reward_scale = 1, continue_scale = 1;  // weights of the losses of rewards and of an episode's end
  double dynamics_scale = 0.5, representation_scale = 0.1, free_nats = 1;  // of the KL's two sides, and each one's least

  void fields(Config& config, const std::string& prefix);
  MemoryTransformerOptions transformer() const;
};

}  // namespace dream
