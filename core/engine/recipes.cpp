#include "core/engine/decision_transformer/decision_transformer_recipe.h"
#include "core/engine/delta_iris/delta_iris_recipe.h"
#include "core/engine/diamond/diamond_recipe.h"
#include "core/engine/diffusion_forcing/diffusion_forcing_recipe.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/dreamer4/dreamer4.h"
#include "core/engine/dyna/dyna.h"
#include "core/engine/forcing_planner/forcing_planner_recipe.h"
#include "core/engine/gato/gato_recipe.h"
#include "core/engine/genie/genie_recipe.h"
#include "core/engine/genie2/genie2_recipe.h"
#include "core/engine/hjepa/hjepa_recipe.h"
#include "core/engine/iris/iris_recipe.h"
#include "core/engine/jepa/jepa_recipe.h"
#include "core/engine/lecun/lecun_recipe.h"
#include "core/engine/muzero/muzero.h"
#include "core/engine/pretrain/pretrain_recipe.h"
#include "core/engine/script/script_recipe.h"
#include "core/engine/system.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/engine/tssm/tssm_recipe.h"
#include "core/engine/vmc/ctallec_recipe.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/env/registry.h"

namespace dream {
namespace {

std::string pictures_and_boxes(const Spaces& spaces) {
  if (spaces.image_bytes() == 0) return "its V sees pictures, and this world has none";
  return spaces.action.discrete() ? "its linear controller steers continuous actions" : "";
}

std::string boxes(const Spaces& spaces) {
  return spaces.action.discrete() ? "the cross-entropy method fits Gaussians to continuous actions" : "";
}

std::string costs(const Spaces& spaces) {
  if (spaces.costs) return "";
  static const std::string others = [] {
    std::string names;
    for (const auto& world : environments())
      if (world.make()->spaces().costs) names += (names.empty() ? "" : ", ") + world.name;
    return names;
  }();
  return "its limit is on costs, and no step of this world costs anything, as those of " + others + " do";
}

std::string tables(const Spaces& spaces) {
  if (spaces.states == 0) return "its table needs a world with a number of states";
  return spaces.action.discrete() ? "" : "its table needs actions that are choices";
}

std::string gaussians(const Spaces& spaces) {
  return spaces.action.discrete() ? "its policy is a Gaussian over continuous actions" : "";
}

std::string choices(const Spaces& spaces) {
  return spaces.action.discrete() ? "" : "its tree search needs actions that are choices";
}

std::string vectors_and_choices(const Spaces& spaces) {
  if (spaces.vector_names.empty()) return "its model sees numbers, and this world shows none";
  return spaces.action.discrete() ? "" : "its Q needs actions that are choices";
}

std::string decisions(const Spaces& spaces) {
  return spaces.vector_names.empty() && spaces.image_bytes() == 0 ? "it sees vectors or pictures, and this world shows none" : "";
}

std::string goals(const Spaces& spaces) {
  if (spaces.image_bytes() == 0) return "its encoder sees pictures, and this world has none";
  return spaces.action.discrete() ? "it wanders by continuous actions" : "";
}

std::string pictured_goals(const Spaces& spaces) {
  if (const auto lack = goals(spaces); !lack.empty()) return lack;
  return spaces.goals ? "" : "both of its levels plan towards a picture, and nothing is to be reached in this world";
}

std::string pictures(const Spaces& spaces) {
  return spaces.image_bytes() == 0 ? "its tokens are of pictures, and this world has none" : "";
}

std::string looked_at(const Spaces& spaces) {
  return spaces.image_bytes() == 0 ? "it learns from pictures, and this world has none" : "";
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
      {"vmc-doom", "World Models in the dream",
       "Ha & Schmidhuber 2018, DoomTakeCover: M also foresees the end, and the controller is found inside the dream alone, at a temperature τ",
       make_vmc_doom, pictures_and_boxes, doom_world},
      {"planet", "PlaNet", "Hafner et al. 2019: a recurrent state-space model and planning by the cross-entropy method",
       make_planet, boxes},
      {"dreamer-v1", "Dreamer V1", "Hafner et al. 2020: actor and critic by analytic gradients through imagination",
       make_dreamer_v1, nothing},
      {"dreamer-v2", "Dreamer V2", "Hafner et al. 2021: categorical latents and KL balancing", make_dreamer_v2,
       nothing},
      {"dreamer-v3", "Dreamer V3", "Hafner et al. 2023: one set of constants for every world", make_dreamer_v3,
       nothing},
      {"safe-dreamer", "SafeDreamer",
       "Huang et al. 2024: Dreamer V3 that keeps what an episode costs below a limit", make_safe_dreamer, costs},
      {"muzero", "MuZero", "Schrittwieser et al. 2020: a tree search in a model that knows only what is worth knowing",
       make_muzero, choices},
      {"dyna-q", "Dyna-Q", "Sutton 1990: Q-learning that also learns from what a table of the world remembers",
       make_dyna_q, tables},
      {"dyna-q-plus", "Dyna-Q+", "Sutton 1990: Dyna-Q with a bonus for what was not tried for long", make_dyna_q_plus,
       tables},
      {"dyna-neural", "Dyna with networks", "Sutton 1990's Dyna with a network for the table and one for Q",
       make_dyna_neural, vectors_and_choices},
      {"decision-transformer", "Decision Transformer",
       "Chen et al. 2021: no model and no value: what was done by whom this return came to", make_decision_transformer, decisions},
      {"gato", "Gato", "Reed et al. 2022: one network for several worlds, all of them tokens, and a line of text that says what to do",
       make_gato, decisions},
      {"genie", "Genie", "Bruce et al. 2024: a world whose controls are found in videos that nobody has labelled", make_genie, pictures},
      {"genie-2", "Genie 2", "Parker-Holder et al. 2024: the same with frames made from noise, and guidance that makes the found controls count",
       make_genie2, looked_at},
      {"transdreamer", "TransDreamer", "Chen et al. 2022: Dreamer V2 with a transformer for its memory", make_transdreamer, decisions},
      {"storm", "STORM", "Zhang et al. 2023: a transformer over categorical latents, and imagination from short contexts of its own", make_storm,
       decisions},
      {"iris", "IRIS",
       "Micheli et al. 2023: pictures are tokens, a transformer draws the next frame token by token, and an actor-critic learns in the frames alone",
       make_iris, looked_at},
      {"delta-iris", "Δ-IRIS",
       "Micheli et al. 2024: a few tokens say what frame and action do not tell of the next frame, which is painted from all three", make_delta_iris,
       looked_at},
      {"diamond", "DIAMOND", "Alonso et al. 2024: the next frame is drawn by diffusion, pixel by pixel, and an actor-critic learns in the frames alone",
       make_diamond, looked_at},
      {"diffusion-forcing", "Diffusion Forcing",
       "Chen et al. 2024: frames with a level of noise each, which a dream takes away one by one, in a pyramid or all at once", make_diffusion_forcing,
       looked_at},
      {"forcing-planner", "Planning by Diffusion Forcing",
       "Chen et al. 2024: a plan is made from noise, the near before the far, and every step of it is drawn to the goal", make_forcing_planner,
       ForcingPlanner::lacks},
      {"dreamer-v4", "Dreamer 4",
       "Hafner et al. 2025: a transformer that makes frames from noise in a few steps, and a policy that learns in its dreams alone", make_dreamer4,
       looked_at},
      {"td-mpc2", "TD-MPC2", "Hansen et al. 2024: plans in a latent of simplices that nothing is rebuilt from, with a policy",
       make_td_mpc2, gaussians},
      {"td-mpc", "TD-MPC", "Hansen et al. 2022: plans as far as its latent reaches, and a value beyond", make_td_mpc,
       gaussians},
      {"jepa", "JEPA", "Sobal et al. 2025: predicts embeddings in the place of pictures, and plans towards a picture of the goal",
       make_jepa, goals},
      {"i-jepa", "I-JEPA", "Assran et al. 2023: learns to see by predicting, in embeddings, what is hidden of a picture; it dreams nothing",
       make_i_jepa, looked_at},
      {"v-jepa", "V-JEPA", "Bardes et al. 2024: the same of clips, hidden through all their time; it dreams nothing", make_v_jepa, looked_at},
      {"byol", "BYOL", "Grill et al. 2020: learns to see by predicting one view of a picture from another; it dreams nothing", make_byol,
       looked_at},
      {"vicreg", "VICReg", "Bardes et al. 2022: learns to see by two views that are alike, and numbers that vary and differ; it dreams nothing",
       make_vicreg, looked_at},
      {"h-jepa", "Hierarchical JEPA", "LeCun 2022: a slower level strides over several steps and finds subgoals, a faster one walks to them",
       make_hjepa, pictured_goals},
      {"lecun", "LeCun's architecture",
       "LeCun 2022: perception, world model, cost, critic, memory and an actor that plans or reacts, by weights that are set live", make_lecun,
       goals},
      {"vmc-ctallec", "World Models (ctallec's V-M-C)", "Weights that ctallec/world-models has saved: one mixture of the whole latent, and nothing is squashed",
       make_vmc_ctallec, pictures_and_boxes, {}, true},
      {"torchscript", "PyTorch's program", "A world model that came as a TorchScript file, with its own code", make_torchscript, nothing, {}, true},
  };
  return list;
}

}  // namespace dream
