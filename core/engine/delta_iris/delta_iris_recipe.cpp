#include "core/engine/delta_iris/delta_iris_recipe.h"

#include "api/error.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {

void DeltaIrisRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny is for two cores, of pictures of 32 pixels; published: the paper's"});
  seed_field(config, seed);
  config.add("side", side, {.help = "Side of the pictures that it sees", .unit = "pixels", .low = 16, .high = 256});
  world.fields(config);
  behaviour.fields(config, "behaviour.");
  optimiser_fields(config, "tokenizer.", tokens, "the tokenizer");
  optimiser_fields(config, "world.", transformer, "the world model");
  optimiser_fields(config, "actor.", actor, "the actor-critic");
  config.add("learn.pairs", pairs, {.help = "Pairs of a frame and the next, of a batch that the tokenizer learns from", .low = 1, .high = 4096});
  config.add("learn.imagined", imagined, {.help = "Lanes of imagination that the actor-critic learns in", .low = 1, .high = 1024});
  config.add("learn.world_share", world_share, {.help = "Share of updates in which the world model learns", .low = 0.01, .high = 1, .live = true});
  config.add("learn.world_after", world_after,
             {.help = "Updates of the tokenizer before the world model begins to learn", .low = 0, .high = 1e8, .live = true});
  config.add("learn.actor_after", actor_after, {.help = "Updates before the actor-critic begins to learn", .low = 0, .high = 1e8, .live = true});
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.actor", "train.evaluate_episodes"});
}

void set_size(DeltaIrisRunOptions& options) {
  const OptimiserOptions adam{.kind = OptimiserKind::adam, .learning_rate = 1e-4, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0};
  options.tokens = options.transformer = options.actor = adam;
  options.transformer.weight_decay = 0.01;
  auto& behaviour = options.behaviour;
  behaviour.net = FrameNet::coder, behaviour.slow = 0.995;
  behaviour.sign_rewards = false;  // its rewards are signs already, where they are not numbers
  behaviour.horizon = 20, behaviour.context = 5;
  behaviour.discount = 0.995, behaviour.entropy = 0.002;
  auto& train = options.train;
  // Of a piece of 27 frames 26 have an action and a next one.
  train.steps = 100000, train.prefill = 3000, train.lanes = 1, train.batch = 64, train.length = 27;
  train.train_ratio = 64.0 * 27;  // 200 updates to 200 steps
  train.online_queue = train.replay_context = train.gauges = false;
  if (options.size == DeltaIrisSize::published) return;
  options.side = 32;
  auto& tokenizer = options.world.tokenizer;
  tokenizer.levels = FrameLevels::three;
  tokenizer.channels = tokenizer.frame_channels = 16;
  tokenizer.latent = 16, tokenizer.seen = 16, tokenizer.acted = 4;
  tokenizer.codes = 128, tokenizer.width = 32;
  auto& transformer = options.world.transformer;
  transformer.levels = FrameLevels::three, transformer.frame_channels = 16;
  transformer.width = 128, transformer.layers = 3, transformer.frames = 10;
  behaviour.levels = FrameLevels::three, behaviour.width = 16, behaviour.memory = 128;
  behaviour.horizon = 10, behaviour.context = 3, behaviour.discount = 0.97;
  options.tokens.learning_rate = 1e-3, options.transformer.learning_rate = 5e-4, options.actor.learning_rate = 5e-4;
  options.pairs = 24, options.imagined = 16;
  options.world_share = 1;
  options.world_after = 500, options.actor_after = 1500;
  train.steps = 20000, train.prefill = 1000, train.lanes = 4, train.batch = 4, train.length = 11;
  train.train_ratio = 11;
}

std::unique_ptr<System> make_delta_iris(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<DeltaIrisParts>();
  auto& options = parts->options;
  apply_sized_settings(*system, spec, options, [](auto& sized) { set_size(sized); });
  if (options.train.length > options.world.transformer.frames + 1)
    throw Error("train.length = " + std::to_string(options.train.length) + " is more than world.frames = " + std::to_string(options.world.transformer.frames) +
                " and the next frame, which is what the transformer learns from; choose at most as many");

  begin_interleaved(*system, *parts, spec, options.seed, 1, static_cast<int>(options.side));
  system->title = "Δ-IRIS";
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<DeltaIris>(options.world, spaces);
  const std::int64_t picture[] = {spaces.image_channels, spaces.image_height, spaces.image_width};
  parts->actor_critic = std::make_shared<FrameActorCritic>(picture, spaces.action, options.behaviour);
  put_in(*system, parts->model, parts->actor_critic, options.train.bfloat16);
  parts->learner = delta_iris_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->actor_critic->live_options() = p->options.behaviour; };
  complete_interleaved(*system, parts, spec, "Learn: Δ-tokens, transformer, imagine", make_delta_iris);
  return system;
}

}  // namespace dream
