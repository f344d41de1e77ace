#pragma once
#include <cstdint>
#include <string>

#include "core/config/config.h"

namespace dream {

/// Everything in which the recurrent state-space models of PlaNet, Dreamer V1, V2 and V3 differ. The defaults are
/// Dreamer V3's as published in 2024 (danijar/dreamerv3, here "v3"); set_published() in core/engine/dreamer sets the
/// others.
struct RssmOptions {
  std::string observe = "image";  // image | vector | both: what the encoder sees
  bool paint = true;              // a model that sees vectors alone learns to paint pictures too, for people
  // Latents.
  std::string latent = "categorical";  // categorical | gaussian
  std::int64_t groups = 32;            // categorical variables, or dimensions of the Gaussian
  std::int64_t classes = 16;           // of each categorical
  double unimix = 0.01;                // share of the uniform in every categorical
  std::string deviation = "softplus";  // softplus(x) + 0.1 | sigmoid: 2·sigmoid(x/2) + 0.1
  // Deterministic path.
  std::string cell = "block_gru";  // gru_block | gru | norm_gru | block_gru
  std::int64_t deter = 2048, hidden = 256, blocks = 8;
  bool memory = true;            // false: h foretells the next z and is forgotten; the posterior sees the frame alone
  bool learned_initial = false;  // h_0 = tanh(w), z_0 = the prior's mode there; otherwise zeros
  // Layers.
  std::string act = "silu";        // relu | elu | silu
  std::string coder_act = "silu";  // of the convolutions
  std::string norm = "rms";        // none | layer | rms
  double eps = 1e-4;
  bool bias_with_norm = true;
  std::string init = "fan_in";  // glorot | average | fan_in
  std::int64_t units = 256;     // of every head
  std::int64_t prior_layers = 2, posterior_layers = 1, reward_layers = 1, continue_layers = 1, vector_layers = 3;
  std::string coder = "pool";  // valid | same | pool
  std::int64_t depth = 16;     // of the convolutions
  // Likelihoods.
  std::string image_loss =
      "sigmoid";  // normal: -log N(x; mean, 1), of vectors too | offset: Σ(y + ½ - x)² | sigmoid: Σ(σ(y) - x)²
  bool five_bits = false;              // pictures of 5 bits with dequantisation noise (PlaNet)
  bool symlog_vectors = true;          // vectors are squashed by symlog on the way in and out
  std::string reward_head = "symexp";  // normal | symlog (two-hot, V3-23) | symexp (two-hot, V3-24)
  bool tanh_rewards = false;           // V2 on Atari
  std::int64_t bins = 255;
  double reward_scale = 1, continue_scale = 1;  // 0 = no such head
  double discount = 1 - 1.0 / 333;              // what the continue head is trained towards while the episode goes on
  // KL.
  double dynamics_scale = 1;          // of KL(sg(posterior) ‖ prior)
  double representation_scale = 0.1;  // of KL(posterior ‖ sg(prior))
  double kl_balance = 0;  // α of V2: the share of both scales' sum that falls to the first; 0 = as they are
  double free_nats = 1;
  std::string free_per = "step";  // step: max(KL, free) | mean: max(mean KL, free) | excess: max(0, KL - free)
  std::int64_t overshooting = 0;  // latent overshooting up to this distance (PlaNet); below 2 = none
  double overshooting_scale = 1;

  void fields(Config& config, const std::string& prefix);
};

}  // namespace dream
