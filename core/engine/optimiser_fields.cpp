#include "core/engine/optimiser_fields.h"

namespace dream {

void optimiser_fields(Config& config, const std::string& prefix, OptimiserOptions& o, const std::string& whose) {
  config.add(prefix + "kind", o.kind, {.help = "Optimiser of " + whose});
  config.add(prefix + "learning_rate", o.learning_rate,
             {.help = "Step size of " + whose, .low = 1e-8, .high = 1, .logarithmic = true, .live = true});
  config.add(prefix + "eps", o.eps, {.help = "ε of the optimiser",
              .low = 1e-30,
              .high = 1,
              .logarithmic = true,
              .title = "ε of the optimiser"});
  config.add(prefix + "weight_decay", o.weight_decay,
             {.help = "Decoupled weight decay", .low = 0, .high = 1, .logarithmic = true, .live = true});
  config.add(prefix + "clip_norm", o.clip_norm,
             {.help = "Gradients are cut to this norm together; 0 = never", .low = 0, .high = 1e6, .live = true});
  config.add(prefix + "adaptive_clip", o.adaptive_clip,
             {.help = "Each tensor's gradient is cut to this share of its weight's norm (AGC); 0 = never",
              .low = 0,
              .high = 100,
              .logarithmic = true,
              .live = true});
  config.add(prefix + "warm_up", o.warm_up, {.help = "Updates over which the step size rises", .low = 0, .high = 1e6});
}

}  // namespace dream
