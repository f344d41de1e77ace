#include "core/engine/dreamer/dreamer.h"

namespace dream {

void ActorCriticOptions::fields(Config& config, const std::string& prefix) {
  const auto live = [&](const char* name, double& value, const char* help, double low, double high, const char* unit = "") {
    config.add(prefix + name, value, {.help = help, .unit = unit, .low = low, .high = high, .live = true});
  };
  const auto size = [&](const char* name, std::int64_t& value, const char* help, double high) {
    config.add(prefix + name, value, {.help = help, .low = 1, .high = high});
  };
  const auto choice = [&](const char* name, std::string& value, const char* help, std::vector<std::string> choices) {
    config.add(prefix + name, value, {.help = help, .choices = std::move(choices)});
  };
  config.add(prefix + "horizon", horizon, {.help = "Imagined steps, H", .unit = "steps", .low = 2, .high = 200, .live = true});
  live("discount", discount, "γ: what a reward one step later is worth", 0, 1);
  config.add(prefix + "continue_discounts", continue_discounts, {.help = "γ is part of the continue head's target (V3, 2024)"});
  live("lambda", lambda, "λ of the λ-return: 0 trusts the critic at once, 1 only at the horizon", 0, 1);
  choice("gradient", gradient, "How the actor learns: by the score function, through the learned dynamics, or both", {"reinforce", "dynamics", "mixed"});
  live("reinforce_share", reinforce_share, "ρ: share of REINFORCE in a mixed gradient", 0, 1);
  choice("indexing", indexing, "Whose reward a return begins with: of the state that is arrived at (V3), or the present one's", {"arrived", "current"});
  config.add(prefix + "include_start", include_start, {.help = "The state where imagination starts is learned from too"});
  config.add(prefix + "entropy", entropy, {.help = "η: weight of the policy's entropy", .unit = "", .low = 0, .high = 1, .live = true});
  live("exploration_noise", exploration_noise, "σ of the noise on continuous actions while collecting", 0, 2);
  config.add(prefix + "sample_to_evaluate", sample_to_evaluate, {.help = "Actions are drawn from the policy also when it is judged; otherwise its mode is taken"});
  choice("continuous", continuous, "Distribution over continuous actions", {"normal", "tanh_normal", "truncated_normal"});
  config.add(prefix + "unimix", unimix, {.help = "Share of the uniform in a policy over choices", .low = 0, .high = 0.5});
  config.add(prefix + "actor_out_scale", actor_out_scale, {.help = "Scale of the actor's first output weights", .low = 0, .high = 10});
  size("actor_layers", actor_layers, "Hidden layers of the actor", 10);
  size("critic_layers", critic_layers, "Hidden layers of the critic", 10);
  size("units", units, "Units of a hidden layer", 65536);
  choice("act", act, "Activation", {"relu", "elu", "silu"});
  choice("norm", norm, "Normalisation of every layer", {"none", "layer", "rms"});
  choice("init", init, "How weights begin", {"glorot", "average", "fan_in"});
  config.add(prefix + "eps", eps, {.help = "ε of the normalisation", .low = 1e-8, .high = 1e-1, .logarithmic = true});
  config.add(prefix + "bias_with_norm", bias_with_norm, {.help = "Layers keep their bias where a norm follows"});
  choice("critic_head", critic_head, "How value is predicted; symlog and symexp are two-hot", {"normal", "symlog", "symexp"});
  config.add(prefix + "bins", bins, {.help = "Bins of a two-hot critic, an odd number", .low = 3, .high = 1023});
  choice("target", target, "The slow critic: none; copy: for targets (V2); average: a regulariser (V3)", {"none", "copy", "average"});
  config.add(prefix + "target_every", target_every, {.help = "Updates between two copies", .low = 1, .high = 1e6, .live = true});
  live("target_share", target_share, "Share of the critic that enters the average at each update", 0, 1);
  config.add(prefix + "normalise_returns", normalise_returns, {.help = "Advantages are divided by the running range of returns, 5th to 95th percentile, if above 1"});
  live("replay_critic", replay_critic, "Weight of the critic's loss on replayed rewards", 0, 10);
}

namespace {

void optimiser_fields(Config& config, const std::string& prefix, OptimiserOptions& o, const std::string& whose) {
  config.add(prefix + "kind", o.kind, {.help = "Optimiser of " + whose, .choices = {"adam", "laprop"}});
  config.add(prefix + "learning_rate", o.learning_rate, {.help = "Step size of " + whose, .low = 1e-8, .high = 1, .logarithmic = true, .live = true});
  config.add(prefix + "eps", o.eps, {.help = "ε of the optimiser", .low = 0, .high = 1});
  config.add(prefix + "weight_decay", o.weight_decay, {.help = "Decoupled weight decay", .low = 0, .high = 1, .live = true});
  config.add(prefix + "clip_norm", o.clip_norm, {.help = "Gradients are cut to this norm together; 0 = never", .low = 0, .high = 1e6, .live = true});
  config.add(prefix + "adaptive_clip", o.adaptive_clip, {.help = "Each tensor's gradient is cut to this share of its weight's norm (AGC); 0 = never", .low = 0, .high = 100, .live = true});
  config.add(prefix + "warm_up", o.warm_up, {.help = "Updates over which the step size rises", .low = 0, .high = 1e6});
}

}  // namespace

void DreamerOptions::fields(Config& config, const std::string& recipe) {
  if (recipe == "dreamer-v3") {
    config.add("size", size, {.help = "Published size: 1m to 400m (2024), xs to xl (2023)", .choices = {"1m", "12m", "25m", "50m", "100m", "200m", "400m", "xs", "s", "m", "l", "xl"}});
    config.add("constants", constants, {.help = "2024: as published in Nature; 2023: the first version, which the PyTorch ports follow", .choices = {"2024", "2023"}});
  }
  config.add("seed", seed, {.help = "Seed of everything that this run draws", .low = 0, .high = 2147483647});
  config.add("env.repeat", repeat, {.help = "Every action is repeated so many times and the rewards are added", .unit = "steps", .low = 1, .high = 64});
  world.fields(config, "world.");
  if (recipe == "planet") {
    planner.fields(config, "planner.");
  } else {
    behaviour.fields(config, "behaviour.");
  }
  optimiser_fields(config, "world_optimiser.", world_optimiser, "the world model");
  if (recipe != "planet") {
    optimiser_fields(config, "actor_optimiser.", actor_optimiser, "the actor");
    optimiser_fields(config, "critic_optimiser.", critic_optimiser, "the critic");
  }
  config.add("train.steps", train.steps, {.help = "Steps of the environment in all", .unit = "steps", .low = 1, .high = 1e9, .live = true});
  config.add("train.batch", train.batch, {.help = "Sequences of a batch", .low = 1, .high = 4096});
  config.add("train.length", train.length, {.help = "Steps of a sequence", .unit = "steps", .low = 2, .high = 4096});
  config.add("train.train_ratio", train.train_ratio, {.help = "Replayed steps per step of the environment", .low = 0, .high = 1e5, .logarithmic = true, .live = true});
  config.add("train.lanes", train.lanes, {.help = "Environments that are stepped side by side", .low = 1, .high = 4096});
  config.add("train.prefill", train.prefill, {.help = "Steps with random actions before the first update", .unit = "steps", .low = 0, .high = 1e8});
  config.add("train.budget_gb", train.budget_gb, {.help = "Memory that the replay may take; the oldest episodes go first", .unit = "GB", .low = 0.01, .high = 1e4});
  config.add("train.datasets", train.datasets, {.help = "Dataset folders, separated by ':', that are in the replay from the start; their steps count as steps of the environment, so with train.steps no larger nothing is collected"});
  config.add("train.bfloat16", train.bfloat16, {.help = "bf16 matrix products in large batches, where the processor has them; weights stay float32"});
  config.add("train.actor", train.actor, {.help = "sync: collect when the train ratio asks for it, reproducible; async: actor and learner are threads of their own and never wait for each other (DayDreamer)", .choices = {"sync", "async"}});
  config.add("train.weights_every", train.weights_every, {.help = "Updates between two handovers of weights to an async actor", .low = 1, .high = 1e6, .live = true});
  config.add("train.evaluate_episodes", train.evaluate_episodes, {.help = "Unseen episodes at the end", .low = 1, .high = 1e6});
}

}  // namespace dream
