#include "core/models/tssm_options.h"

namespace dream {

MemoryTransformerOptions TssmOptions::transformer() const {
  const bool trans = kind == TssmKind::transdreamer;
  MemoryTransformerOptions options;
  options.width = width, options.layers = layers, options.heads = heads, options.each = each, options.between = between;
  options.window = window, options.dropout = dropout;
  options.eps = trans ? 1e-5 : 1e-6;
  options.norm_first = options.waves = options.all_layers = trans;
  return options;
}

void TssmOptions::fields(Config& config, const std::string& prefix) {
  const auto size = [&](const char* name, std::int64_t& target, const char* help, double low, double high) {
    config.add(prefix + name, target, {.help = help, .low = low, .high = high});
  };
  const auto live = [&](const char* name, double& target, const char* help, double low, double high, const char* unit = "") {
    config.add(prefix + name, target, {.help = help, .unit = unit, .low = low, .high = high, .logarithmic = true, .live = true});
  };
  config.add(prefix + "observe", observe, {.help = "What the encoder sees: pictures as in the paper, the vector, or both"});
  config.add(prefix + "paint", paint, {.help = "A model that sees vectors alone learns to paint pictures too, for people; that sends no gradient back"});
  size("paint_every", paint_every, "A model that sees vectors alone paints one in so many of the moments in a batch", 1, 4096);
  size("vector_layers", vector_layers, "Layers of the coders of vectors", 1, 8);
  size("groups", groups, "Categorical variables of z", 1, 1024);
  size("classes", classes, "Classes of each", 2, 1024);
  config.add(prefix + "unimix", unimix, {.help = "Share of the uniform mixed into every categorical", .low = 0, .high = 0.5});
  size("width", width, "Numbers of a token", 2, 8192);
  size("layers", layers, "Blocks of the transformer", 1, 64);
  size("heads", heads, "Heads of its attention", 1, 64);
  size("each", each, "Numbers of each head", 1, 1024);
  size("between", between, "Units between the two linear layers of a block", 1, 65536);
  size("window", window, "Moments that it remembers at most", 2, 4096);
  size("keep", keep, "Moments that it goes on with once the window is full; window − 1 is the paper's, which looks at them all anew at every step", 1,
       4095);
  config.add(prefix + "dropout", dropout, {.help = "Share of numbers that is dropped while it learns", .low = 0, .high = 0.9});
  size("depth", depth, "Channels of the first convolution are a multiple of this", 1, 1024);
  if (kind == TssmKind::transdreamer) {
    size("hidden", hidden, "Units of the layers of prior and posterior", 1, 65536);
    size("units", units, "Units of every head", 1, 65536);
    config.add(prefix + "image_deviation", image_deviation,
               {.help = "σ of the likelihood of a picture: smaller weighs pictures more", .low = 0.01, .high = 10, .logarithmic = true});
  }
  size("head_layers", head_layers, "Hidden layers of the heads for reward and end", 1, 8);
  live("vector_scale", vector_scale, "Weight of the squared error of vectors", 0, 1e4);
  live("reward_scale", reward_scale, "Weight of the loss of rewards", 0, 1e4);
  live("continue_scale", continue_scale, "Weight of the loss of an episode's end", 0, 100);
  live("dynamics_scale", dynamics_scale, "β_dyn: weight of KL(sg(q) ‖ p), which teaches the prior", 0, 100);
  live("representation_scale", representation_scale, "β_rep: weight of KL(q ‖ sg(p)), which holds the posterior", 0, 100);
  live("free_nats", free_nats, "Of a batch's mean KL so much is free", 0, 100, "nats");
}

}  // namespace dream
