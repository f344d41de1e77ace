#include <algorithm>

#include "core/engine/td_mpc/td_mpc.h"
#include "core/engine/seed_field.h"

namespace dream {
namespace {

constexpr std::int64_t many_axes = 20;  // from which on a plan takes two rounds more

struct TdSizes {
  std::int64_t encoder_units, units, latent, encoder_layers, members;
};

TdSizes sizes_of(TdSize size) {
  switch (size) {
    case TdSize::tiny:
      return {64, 128, 64, 2, 2};
    case TdSize::s_1m:
      return {256, 384, 128, 2, 2};
    case TdSize::s_5m:
      break;
    case TdSize::s_19m:
      return {1024, 1024, 768, 3, 5};
    case TdSize::s_48m:
      return {1792, 1792, 768, 4, 5};
    case TdSize::s_317m:
      return {4096, 4096, 1376, 5, 8};
  }
  return {256, 512, 512, 2, 5};
}

}  // namespace

void set_published(TdMpcRunOptions& options, const std::string& recipe, std::int64_t axes,
                   std::int64_t episode_length) {
  const bool first = recipe == "td-mpc";
  auto& [size, seed, repeat, world, behaviour, planner, loss, learning_rate, encoder_share, policy_eps, clip_norm,
         anneal, train] = options;
  world.first = behaviour.first = first;
  planner = {.candidates = 488, .iterations = 6, .elites = 64, .horizon = 3, .exploration_noise = 0.1};
  planner.method = PlanMethod::mppi;
  planner.warm_start = planner.draw = true;
  planner.least_deviation = 0.05, planner.first_deviation = 2, planner.temperature = 0.5;
  planner.from_prior = 24;
  train.batch = 256, train.length = planner.horizon + 1;
  train.lanes = 1, train.steps = 1000000;
  train.prefill = std::max<std::int64_t>(1000, 5 * episode_length);
  train.online_queue = train.replay_context = false;
  if (first) {
    world.latent = 50;
    behaviour.members = 2, behaviour.target_every = 2;
    planner.candidates = 512, planner.from_prior = 25, planner.horizon = 5, planner.momentum = 0.1;
    train.batch = 512, train.length = planner.horizon + 1;
    train.prefill = 5000, train.steps = 500000;
    loss.consistency = 2, loss.reward = 0.5, loss.value = 0.1;
    learning_rate = 1e-3, encoder_share = 1, policy_eps = 1e-8, clip_norm = 10;
    behaviour.discount = 0.99;
    anneal = 25000;
  } else {
    const auto sizes = sizes_of(size);
    world.encoder_units = sizes.encoder_units, world.units = behaviour.units = sizes.units;
    world.latent = sizes.latent, world.encoder_layers = sizes.encoder_layers;
    behaviour.members = sizes.members;
    if (axes >= many_axes) planner.iterations += 2;
    if (size == TdSize::tiny) {  // a plan that two cores make while somebody watches
      planner.candidates = 116, planner.from_prior = 12, planner.elites = 16, planner.iterations = 3;
      train.lanes = 4, train.steps = 8000;
      train.prefill = 1000;
    }
  }
  train.train_ratio = static_cast<double>(train.batch * train.length);  // an update a step
}

void TdMpcRunOptions::fields(Config& config) {
  const bool first = world.first;
  if (!first) config.add("size", size, {.help = "Published size, 1m to 317m; tiny for small worlds"});
  seed_field(config, seed);
  config.add("env.repeat", repeat,
             {.help = "Every action is repeated so many times and the rewards are added",
              .unit = "steps",
              .low = 1,
              .high = 64});
  world.fields(config, "world.");
  behaviour.fields(config, "behaviour.");
  planner.fields(config, "planner.");
  if (first)
    config.add("planner.anneal", anneal,
               {.help = "Steps in which the horizon grows from 1 and the least σ falls from 0.5",
                .unit = "steps",
                .low = 0,
                .high = 1e8});
  loss.fields(config, "loss.", first);
  config.add("optimiser.learning_rate", learning_rate,
             {.help = "Step size of Adam", .low = 1e-8, .high = 1, .logarithmic = true, .live = true});
  config.add("optimiser.encoder_share", encoder_share,
             {.help = "The encoder's step size as a share of it", .low = 0, .high = 10, .live = true});
  config.add("optimiser.policy_eps", policy_eps,
             {.help = "ε of the policy's Adam", .low = 1e-12, .high = 1e-1, .logarithmic = true});
  config.add("optimiser.clip_norm", clip_norm,
             {.help = "Gradients are cut to this norm together, and the policy's by themselves",
              .low = 0.001,
              .high = 1e6,
              .live = true});
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.bfloat16",
                    "train.gauges", "train.actor", "train.evaluate_episodes"});
}

}  // namespace dream
