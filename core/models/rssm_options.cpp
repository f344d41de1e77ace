#include "core/models/rssm_options.h"

namespace dream {

void RssmOptions::fields(Config& config, const std::string& prefix) {
  const auto size = [&](const char* name, std::int64_t& target, const char* help, double low, double high,
                        const char* title = "") {
    config.add(prefix + name, target, {.help = help, .low = low, .high = high, .title = title});
  };
  const auto choice = [&](const char* name, auto& value, const char* help, const char* title = "") {
    config.add(prefix + name, value, {.help = help, .title = title});
  };
  const auto live = [&](const char* name, double& target, const char* help, double low, double high,
                        const char* unit = "", bool logarithmic = false, const char* title = "") {
    config.add(prefix + name, target,
               {.help = help,
                .unit = unit,
                .low = low,
                .high = high,
                .logarithmic = logarithmic,
                .live = true,
                .title = title});
  };
  choice("observe", observe, "What the encoder sees");
  config.add(
      prefix + "paint", paint,
      {.help =
           "A model that sees vectors alone learns to paint pictures too, for people; that sends no gradient back"});
  size("paint_every", paint_every, "A model that sees vectors alone paints one in so many of the moments in a batch", 1,
       1024);
  choice("latent", latent, "Kind of the stochastic latent z", "latent z");
  size("groups", groups, "Categorical variables of z, or dimensions of a Gaussian z", 1, 1024);
  size("classes", classes, "Classes of each categorical variable", 2, 1024);
  config.add(prefix + "unimix", unimix,
             {.help = "Share of the uniform mixed into every categorical", .low = 0, .high = 0.5});
  choice("deviation", deviation, "How a Gaussian's σ is kept positive");
  choice("cell", cell, "The recurrent cell: gru_block PlaNet, gru V1, norm_gru V2 and V3-23, block_gru V3");
  size("deter", deter, "Size of the deterministic state h", 1, 65536, "deterministic state h");
  size("hidden", hidden, "Units of the layers around the cell", 1, 65536);
  size("blocks", blocks, "Blocks of the block-diagonal recurrence", 1, 64);
  config.add(prefix + "recurrent", recurrent,
             {.help = "Off, an ablation: what the model knows of the past is the present frame alone",
              .formerly = {prefix + "memory"}});
  config.add(prefix + "learned_initial", learned_initial, {.help = "The first state of an episode is learned (V3-23)"});
  choice("act", act, "Activation", "activation");
  choice("coder_act", coder_act, "Activation of the convolutions", "activation of the convolutions");
  choice("norm", norm, "Normalisation of every layer", "normalisation");
  config.add(prefix + "eps", eps, {.help = "ε of the normalisation",
              .low = 1e-8,
              .high = 1e-1,
              .logarithmic = true,
              .title = "ε of the normalisation"});
  config.add(prefix + "bias_with_norm", bias_with_norm, {.help = "Layers keep their bias where a norm follows"});
  choice("init", init, "How weights begin", "first weights");
  size("units", units, "Units of every head", 1, 65536);
  size("prior_layers", prior_layers, "Hidden layers of the prior", 1, 8);
  size("posterior_layers", posterior_layers, "Hidden layers of the posterior", 1, 8);
  size("reward_layers", reward_layers, "Hidden layers of the reward head", 1, 8);
  size("continue_layers", continue_layers, "Hidden layers of the continue head", 1, 8);
  size("vector_layers", vector_layers, "Layers of the coders of vectors", 1, 8);
  choice("coder", coder, "Convolutional coder: valid PlaNet to V2, same V3-23, pool V3");
  size("depth", depth, "Channels of the first convolution are a multiple of this", 1, 1024);
  choice("image_loss", image_loss, "Likelihood of a picture");
  config.add(prefix + "five_bits", five_bits, {.help = "Pictures are cut to 5 bits and dithered (PlaNet)"});
  config.add(prefix + "symlog_vectors", symlog_vectors,
             {.help = "Vectors pass through symlog(x) = sign(x) ln(1 + |x|)"});
  choice("reward_head", reward_head, "How reward is predicted; symlog and symexp are two-hot");
  config.add(prefix + "tanh_rewards", tanh_rewards, {.help = "Rewards pass through tanh (V2 on Atari)"});
  size("bins", bins, "Bins of a two-hot head, an odd number", 3, 1023);
  live("vector_scale", vector_scale, "Weight of the error of vectors; more, where differences matter that are small in their units", 0,
       10000, "", true);
  live("reward_scale", reward_scale, "Weight of the reward loss", 0, 100, "", true);
  config.add(prefix + "continue_scale", continue_scale,
             {.help = "Weight of the continue loss; 0 = no such head: every dream goes on", .low = 0, .high = 100});
  config.add(prefix + "cost_scale", cost_scale,
             {.help = "Weight of the cost loss, in worlds with costs; 0 = no such head", .low = 0, .high = 100});
  live("cost_weight", cost_weight, "Weight of the cost loss where a step costs 1 or more, as such steps are rare", 1,
       1000, "", true);
  config.add(prefix + "discount", discount,
             {.help = "Target of the continue head while an episode goes on", .low = 0, .high = 1});
  live("dynamics_scale", dynamics_scale, "β_dyn of KL(sg(posterior) ‖ prior): the prior learns to predict", 0, 10, "",
       true, "dynamics scale β_dyn");
  live("representation_scale", representation_scale,
       "β_rep of KL(posterior ‖ sg(prior)): the posterior learns to be predicted", 0, 10, "", true,
       "representation scale β_rep");
  live("kl_balance", kl_balance,
       "α of V2: the share of β_dyn + β_rep that falls to the prior's learning; 0 = as the two are", 0, 1, "", false,
       "KL balance α");
  live("free_nats", free_nats, "Free bits: a KL below this is not pushed further down", 0, 100, "nats", true);
  choice("free_per", free_per, "Where the free nats are granted: step V3, mean V1 and V2, excess PlaNet");
  size("overshooting", overshooting, "Latent overshooting up to this many steps (PlaNet); below 2 = none", 0, 64);
  live("overshooting_scale", overshooting_scale, "Weight β of the overshooting KL", 0, 10, "", true,
       "overshooting scale β");
}

}  // namespace dream
