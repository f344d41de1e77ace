#include "core/engine/diamond/diamond_recipe.h"

#include <algorithm>

#include "api/error.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {

void DiamondRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny and small are for two cores, of pictures of 32 and 64 pixels; published: the paper's"});
  seed_field(config, seed);
  config.add("side", side,
             {.help = "Side of the pictures that it sees and shows; it dreams in such of side / world.upsampling",
              .unit = "pixels",
              .low = 16,
              .high = 256});
  world.fields(config, "world.");
  behaviour.fields(config, "behaviour.");
  optimiser_fields(config, "denoiser.", denoiser, "the denoiser");
  optimiser_fields(config, "reward_end.", reward_end, "the reward and end model");
  optimiser_fields(config, "actor.", actor, "the actor-critic");
  optimiser_fields(config, "upsampler.", upsampler, "the upsampler");
  config.add("upsampler.updates", upsample.updates, {.help = "Updates of the upsampler, where there is one", .low = 1, .high = 1e9, .live = true});
  config.add("upsampler.batch", upsample.batch, {.help = "Pictures of a batch of the upsampler", .low = 1, .high = 4096});
  config.add("learn.own_frames", own_frames,
             {.help = "Frames of a piece that the denoiser makes after its own, as in a dream, and not after those that were seen",
              .unit = "frames",
              .low = 0,
              .high = 64});
  config.add("learn.length", length,
             {.help = "Frames of a piece that the reward and end model learns from", .unit = "frames", .low = 2, .high = 512});
  config.add("learn.imagined", imagined, {.help = "Lanes of imagination that the actor-critic learns in", .low = 1, .high = 1024});
  config.add("learn.actor_after", actor_after,
             {.help = "Updates of the world model before the actor-critic begins to learn", .low = 0, .high = 1e8, .live = true});
  config.add("learn.recent", recent,
             {.help = "Share of pieces that are drawn from the newest quarter of the replay", .low = 0, .high = 1, .live = true});
  train.fields(config, "train.");
  config.resumable({"learn.own_frames", "train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.actor", "train.evaluate_episodes",
                    "upsampler.batch"});
}

void set_size(DiamondRunOptions& options) {
  const OptimiserOptions adam{.kind = OptimiserKind::adam,
                              .learning_rate = 1e-4,
                              .eps = 1e-8,
                              .weight_decay = 1e-2,
                              .adaptive_clip = 0,
                              .warm_up = 100};
  options.denoiser = options.reward_end = options.actor = options.upsampler = adam;
  options.denoiser.clip_norm = 1, options.reward_end.clip_norm = options.actor.clip_norm = 100, options.upsampler.clip_norm = 10;
  options.actor.weight_decay = 0;
  options.upsample.updates = 240000, options.upsample.batch = 32;  // 600 epochs of 400, each of 8 batches of 4
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
  world.upsampler.width = tiny ? 16 : 32, world.upsampler.levels = 3, world.upsampler.depth = 1, world.upsampler.condition = tiny ? 64 : 128;
  world.upsampler.sampler.steps = 1;
  options.upsample.updates = 4000, options.upsample.batch = 16;
  behaviour.width = tiny ? 8 : 16, behaviour.memory = tiny ? 128 : 256;
  behaviour.horizon = 10;
  options.length = behaviour.horizon + world.context;
  options.imagined = tiny ? 16 : 8;
  options.actor_after = 1000;
  for (auto* optimiser : {&options.denoiser, &options.reward_end, &options.actor, &options.upsampler}) optimiser->learning_rate = 3e-4;
  train.steps = 20000, train.prefill = 2000, train.lanes = 4, train.batch = 16;
  train.train_ratio = tiny ? 4 : 2;
}

namespace {

constexpr int diamond_least_side = 16;  // of what the actor-critic looks at

std::filesystem::path diamond_own_folder(const System& system) {
  return system.directory / "data" / "own";
}

/// The upsampler learns from what everything else has learned from.
void upsample_the_same(DiamondParts& parts) {
  const auto& train = parts.options.train;
  auto& upsample = parts.options.upsample;
  upsample.datasets = train.datasets, upsample.budget_gb = train.budget_gb;
  const auto own = diamond_own_folder(*parts.system);
  if (!train.datasets.empty() && std::filesystem::exists(own)) upsample.datasets.folders += ":" + own.string();
}

/// The phase "upsample", after the first.
void add_upsampling(System& system, DiamondParts& parts) {
  auto& upsampling = *parts.upsampling;
  upsampling.system = &system, upsampling.seed = parts.seed, upsampling.train = parts.train;
  upsampling.feed = std::make_unique<Feed>(system, parts.rng("upsample replay"));
  upsample_the_same(parts);
  system.phases.insert(system.phases.begin() + 1, offline_phase(parts.upsampling, parts.options.upsample, "Learn: upsample",
                                                                diamond_own_folder(system), "learn", "upsample"));
  system.memory_bytes = [&parts] {
    return static_cast<double>(parts.feed->replay().bytes() + parts.upsampling->feed->replay().bytes());
  };
}

}  // namespace

std::unique_ptr<System> make_diamond(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<DiamondParts>();
  auto& options = parts->options;
  apply_sized_settings(*system, spec, options, [](auto& sized) { set_size(sized); });

  begin_interleaved(*system, *parts, spec, options.seed, 1, static_cast<int>(options.side));
  system->title = "DIAMOND";
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<Diamond>(options.world, spaces);
  const auto factor = options.world.upsampler.factor;
  if (const auto least = std::min(spaces.image_height, spaces.image_width) / factor; factor > 1 && least < diamond_least_side)
    throw Error("world.upsampling = " + std::to_string(factor) + " leaves frames of " + std::to_string(least) +
                " pixels a side to dream in, and at least " + std::to_string(diamond_least_side) + " are needed; raise side or lower it");
  const std::int64_t picture[] = {spaces.image_channels, spaces.image_height / factor, spaces.image_width / factor};
  parts->actor_critic = std::make_shared<FrameActorCritic>(picture, spaces.action, options.behaviour);
  parts->bfloat16 = put_in(*system, parts->model, parts->actor_critic, options.train.bfloat16);
  if (factor > 1) {
    parts->upsampling = std::make_shared<InterleavedParts>();
    parts->upsampling->learner = diamond_upsampler_learner(*parts);
  }
  parts->learner = diamond_learner(*parts);
  system->follow_settings = [p = parts.get()] {
    p->actor_critic->live_options() = p->options.behaviour;
    if (p->upsampling) upsample_the_same(*p);
  };
  complete_interleaved(*system, parts, spec, "Learn: denoise, reward and end, imagine", make_diamond);
  if (factor > 1) add_upsampling(*system, *parts);
  return system;
}

}  // namespace dream
