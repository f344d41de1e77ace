#pragma once
#include <cstdint>
#include <string>

#include "core/config/config.h"
#include "core/models/sees.h"
#include "core/nn/image_coder.h"
#include "core/nn/rssm_cell.h"
#include "core/nn/two_hot.h"

namespace dream {

enum class Latent { categorical, gaussian };
constexpr auto choice_names(Latent) {
  return names_of_choice("categorical", "gaussian");
}
/// How a Gaussian's σ is kept positive: softplus(x) + 0.1, or 2·sigmoid(x/2) + 0.1.
enum class Deviation { softplus, sigmoid };
constexpr auto choice_names(Deviation) {
  return names_of_choice("softplus", "sigmoid");
}
/// Likelihood of a picture: -log N(x; mean, 1), of vectors too; Σ(y + ½ - x)²; Σ(σ(y) - x)².
enum class ImageLoss { normal, offset, sigmoid };
constexpr auto choice_names(ImageLoss) {
  return names_of_choice("normal", "offset", "sigmoid");
}
/// Where the free nats are granted: max(KL, free) at every step; max(mean KL, free); max(0, KL - free).
enum class FreePer { step, mean, excess };
constexpr auto choice_names(FreePer) {
  return names_of_choice("step", "mean", "excess");
}

/// Everything in which the recurrent state-space models of PlaNet, Dreamer V1, V2 and V3 differ. The defaults are
/// Dreamer V3's as published in 2024 (danijar/dreamerv3, here "v3"); set_published() in core/engine/dreamer sets the
/// others.
struct RssmOptions {
  Sees observe = Sees::image;
  bool paint = true;  // a model that sees vectors alone learns to paint pictures too, for people
  std::int64_t paint_every = 1;  // of its moments in a batch one in so many is painted
  // Latents.
  Latent latent = Latent::categorical;
  std::int64_t groups = 32;   // categorical variables, or dimensions of the Gaussian
  std::int64_t classes = 16;  // of each categorical
  double unimix = 0.01;       // share of the uniform in every categorical
  Deviation deviation = Deviation::softplus;
  // Deterministic path.
  Cell cell = Cell::block_gru;
  std::int64_t deter = 2048, hidden = 256, blocks = 8;
  bool recurrent = true;         // false: h predicts the next z and is forgotten; the posterior sees the frame alone
  bool learned_initial = false;  // h_0 = tanh(w), z_0 = the prior's mode there; otherwise zeros
  // Layers.
  Act act = Act::silu;
  Act coder_act = Act::silu;  // of the convolutions
  Norm norm = Norm::rms;
  double eps = 1e-4;
  bool bias_with_norm = true;
  Init init = Init::fan_in;
  std::int64_t units = 256;  // of every head
  std::int64_t prior_layers = 2, posterior_layers = 1, reward_layers = 1, continue_layers = 1, vector_layers = 3;
  Coder coder = Coder::pool;
  std::int64_t depth = 16;  // of the convolutions
  // Likelihoods.
  ImageLoss image_loss = ImageLoss::sigmoid;
  bool five_bits = false;                       // pictures of 5 bits with dequantisation noise (PlaNet)
  bool symlog_vectors = true;                   // vectors are squashed by symlog on the way in and out
  NumberHead reward_head = NumberHead::symexp;  // symlog V3-23, symexp V3-24
  bool tanh_rewards = false;                    // V2 on Atari
  std::int64_t bins = 255;
  double vector_scale = 1;  // of the error of vectors: what is small in their units weighs little beside the KL
  double reward_scale = 1, continue_scale = 1;  // 0 = no such head
  double cost_scale = 0;   // of a head for costs, in the form of the reward's (SafeDreamer); 0 = no such head
  double cost_weight = 10;  // of its loss where a step costs 1 or more: such steps are rare
  double discount = 1 - 1.0 / 333;              // what the continue head is trained towards while the episode goes on
  // KL.
  double dynamics_scale = 1;          // of KL(sg(posterior) ‖ prior)
  double representation_scale = 0.1;  // of KL(posterior ‖ sg(prior))
  double kl_balance = 0;  // α of V2: the share of both scales' sum that falls to the first; 0 = as they are
  double free_nats = 1;
  FreePer free_per = FreePer::step;
  std::int64_t overshooting = 0;  // latent overshooting up to this distance (PlaNet); below 2 = none
  double overshooting_scale = 1;

  void fields(Config& config, const std::string& prefix);
};

}  // namespace dream
