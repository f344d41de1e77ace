#include "core/engine/dreamer/dreamer.h"
#include "core/engine/system.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {
namespace {

std::string pictures_and_boxes(const Spaces& spaces) {
  if (spaces.image_bytes() == 0) return "its V sees pictures, and this world has none";
  return spaces.action.discrete() ? "its linear controller steers continuous actions" : "";
}

std::string boxes(const Spaces& spaces) {
  return spaces.action.discrete() ? "the cross-entropy method fits Gaussians to continuous actions" : "";
}

std::string gaussians(const Spaces& spaces) {
  return spaces.action.discrete() ? "its policy is a Gaussian over continuous actions" : "";
}

std::string nothing(const Spaces&) {
  return "";
}

}  // namespace

const std::vector<RecipeEntry>& recipes() {
  static const std::vector<RecipeEntry> list = {
      {"vmc", "World Models (V-M-C)",
       "Ha & Schmidhuber 2018: a variational autoencoder, an MDN-LSTM and a linear controller found by CMA-ES",
       make_vmc, pictures_and_boxes},
      {"planet", "PlaNet", "Hafner et al. 2019: a recurrent state-space model and planning by the cross-entropy method",
       make_planet, boxes},
      {"dreamer-v1", "Dreamer V1", "Hafner et al. 2020: actor and critic by analytic gradients through imagination",
       make_dreamer_v1, nothing},
      {"dreamer-v2", "Dreamer V2", "Hafner et al. 2021: categorical latents and KL balancing", make_dreamer_v2,
       nothing},
      {"dreamer-v3", "Dreamer V3", "Hafner et al. 2023: one set of constants for every world", make_dreamer_v3,
       nothing},
      {"td-mpc2", "TD-MPC2",
       "Hansen et al. 2024: plans in a latent of simplices that nothing is rebuilt from, with a policy", make_td_mpc2,
       gaussians},
      {"td-mpc", "TD-MPC", "Hansen et al. 2022: plans as far as its latent reaches, and a value beyond", make_td_mpc,
       gaussians},
  };
  return list;
}

}  // namespace dream
