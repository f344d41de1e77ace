#include "core/engine/system.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {

const std::vector<RecipeEntry>& recipes() {
  static const std::vector<RecipeEntry> list = {
      {"vmc", "World Models (V-M-C)",
       "Ha & Schmidhuber 2018: a variational autoencoder, an MDN-LSTM and a linear controller found by CMA-ES", make_vmc},
  };
  return list;
}

}  // namespace dream
