#include "core/engine/dreamer/dreamer.h"
#include "core/engine/system.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {

const std::vector<RecipeEntry>& recipes() {
  static const std::vector<RecipeEntry> list = {
      {"vmc", "World Models (V-M-C)",
       "Ha & Schmidhuber 2018: a variational autoencoder, an MDN-LSTM and a linear controller found by CMA-ES", make_vmc},
      {"planet", "PlaNet", "Hafner et al. 2019: a recurrent state-space model and planning by the cross-entropy method", make_planet},
      {"dreamer-v1", "Dreamer V1", "Hafner et al. 2020: actor and critic by analytic gradients through imagination", make_dreamer_v1},
      {"dreamer-v2", "Dreamer V2", "Hafner et al. 2021: categorical latents and KL balancing", make_dreamer_v2},
      {"dreamer-v3", "Dreamer V3", "Hafner et al. 2023: one set of constants for every world", make_dreamer_v3},
  };
  return list;
}

}  // namespace dream
