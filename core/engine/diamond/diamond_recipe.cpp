#include "core/engine/diamond/diamond_recipe.h"

#include "core/engine/optimiser_fields.h"
#include "core/nn/precision.h"

namespace dream {

void DiamondRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny and small are for two cores, of pictures of 32 and 64 pixels; published: the paper's"});
  config.add("seed", seed, {.help = "Seed of everything that this run draws", .low = 0, .high = 2147483647});
  config.add("side", side, {.help = "Side of the pictures that it dreams in", .unit = "pixels", .low = 16, .high = 256});
  world.fields(config, "world.");
  behaviour.fields(config, "behaviour.");
  optimiser_fields(config, "denoiser.", denoiser, "the denoiser");
  optimiser_fields(config, "reward_end.", reward_end, "the reward and end model");
  optimiser_fields(config, "actor.", actor, "the actor-critic");
  config.add("learn.length", length,
             {.help = "Frames of a piece that the reward and end model learns from", .unit = "frames", .low = 2, .high = 512});
  config.add("learn.imagined", imagined, {.help = "Lanes of imagination that the actor-critic learns in", .low = 1, .high = 1024});
  config.add("learn.actor_after", actor_after,
             {.help = "Updates of the world model before the actor-critic begins to learn", .low = 0, .high = 1e8, .live = true});
  config.add("learn.recent", recent,
             {.help = "Share of pieces that are drawn from the newest quarter of the replay", .low = 0, .high = 1, .live = true});
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.actor", "train.evaluate_episodes"});
}

void set_size(DiamondRunOptions& options) {
  const OptimiserOptions adam{.kind = OptimiserKind::adam,
                              .learning_rate = 1e-4,
                              .eps = 1e-8,
                              .weight_decay = 1e-2,
                              .adaptive_clip = 0,
                              .warm_up = 100};
  options.denoiser = options.reward_end = options.actor = adam;
  options.denoiser.clip_norm = 1, options.reward_end.clip_norm = options.actor.clip_norm = 100;
  options.actor.weight_decay = 0;
  auto& train = options.train;
  train.steps = 100000, train.prefill = 5000, train.lanes = 1, train.batch = 32;
  train.train_ratio = 4.0 * 32;  // 400 updates to 100 steps
  train.online_queue = train.replay_context = train.gauges = false;
  if (options.size == DiamondSize::published) return;
  const bool tiny = options.size == DiamondSize::tiny;
  auto& world = options.world;
  auto& behaviour = options.behaviour;
  options.side = tiny ? 32 : 64;
  world.width = 32, world.levels = tiny ? 3 : 4, world.depth = 1, world.condition = tiny ? 64 : 128;
  world.reward_width = 16, world.reward_depth = 1, world.reward_condition = tiny ? 32 : 64, world.reward_memory = tiny ? 128 : 256;
  behaviour.width = tiny ? 8 : 16, behaviour.memory = tiny ? 128 : 256;
  behaviour.horizon = 10;
  options.length = behaviour.horizon + world.context;
  options.imagined = tiny ? 16 : 8;
  options.actor_after = 1000;
  for (auto* optimiser : {&options.denoiser, &options.reward_end, &options.actor}) optimiser->learning_rate = 3e-4;
  train.steps = 20000, train.prefill = 2000, train.lanes = 4, train.batch = 16;
  train.train_ratio = tiny ? 4 : 2;
}

std::unique_ptr<System> make_diamond(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<DiamondParts>();
  auto& options = parts->options;
  options.fields(system->config);
  // The size chooses the defaults, so it is read first and the explicit settings win.
  apply_settings(system->config, spec);
  DiamondRunOptions sized;
  sized.size = options.size;
  set_size(sized);
  options = sized;
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, spec, 1, static_cast<int>(options.side));
  system->title = "DIAMOND";
  parts->system = system.get();
  parts->seed = options.seed;
  parts->train = &options.train;
  torch::manual_seed(static_cast<std::uint64_t>(options.seed));  // the layers' first weights
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<Diamond>(options.world, spaces);
  const std::int64_t picture[] = {spaces.image_channels, spaces.image_height, spaces.image_width};
  parts->actor_critic = std::make_shared<FrameActorCritic>(picture, spaces.action, options.behaviour);
  parts->model->to(system->device);
  parts->actor_critic->to(system->device);
  parts->bfloat16 = options.train.bfloat16 && bfloat16_is_fast(system->device);
  parts->model->set_bfloat16(parts->bfloat16);
  parts->actor_critic->set_bfloat16(parts->bfloat16);
  system->model = parts->model;
  system->behaviour = parts->actor_critic;
  parts->learner = diamond_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->actor_critic->live_options() = p->options.behaviour; };
  complete_interleaved(*system, parts, spec, "Learn: denoise, reward and end, imagine", make_diamond);
  return system;
}

}  // namespace dream
