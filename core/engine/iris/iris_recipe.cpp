#include "core/engine/iris/iris_recipe.h"

#include "api/error.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {

void IrisRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny is for two cores, of pictures of 32 pixels; published: the paper's"});
  seed_field(config, seed);
  config.add("side", side, {.help = "Side of the pictures that it sees", .unit = "pixels", .low = 16, .high = 256});
  world.fields(config);
  behaviour.fields(config, "behaviour.");
  optimiser_fields(config, "tokenizer.", tokens, "the tokenizer");
  optimiser_fields(config, "world.", transformer, "the transformer");
  optimiser_fields(config, "actor.", actor, "the actor-critic");
  config.add("learn.frames", frames, {.help = "Frames of a batch that the tokenizer learns from", .unit = "frames", .low = 1, .high = 4096});
  config.add("learn.imagined", imagined, {.help = "Lanes of imagination that the actor-critic learns in", .low = 1, .high = 1024});
  config.add("learn.world_after", world_after,
             {.help = "Updates of the tokenizer before the transformer begins to learn", .low = 0, .high = 1e8, .live = true});
  config.add("learn.actor_after", actor_after, {.help = "Updates before the actor-critic begins to learn", .low = 0, .high = 1e8, .live = true});
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.prefill", "train.actor", "train.evaluate_episodes"});
}

void set_size(IrisRunOptions& options) {
  const OptimiserOptions adam{.kind = OptimiserKind::adam, .learning_rate = 1e-4, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0};
  options.tokens = options.transformer = options.actor = adam;
  options.transformer.weight_decay = 0.01;
  auto& behaviour = options.behaviour;
  behaviour.net = FrameNet::plain, behaviour.past_ends = true;
  behaviour.horizon = 19, behaviour.context = 20;  // the last of 20 states is only valued
  behaviour.discount = 0.995, behaviour.temperature = 0.5;
  auto& train = options.train;
  train.steps = 100000, train.prefill = 1000, train.lanes = 1, train.batch = 64, train.length = 20;
  train.train_ratio = 64.0 * 20;  // 200 updates to 200 steps
  train.online_queue = train.replay_context = train.gauges = false;
  if (options.size == IrisSize::published) return;
  options.side = 32;
  auto& tokenizer = options.world.tokenizer;
  tokenizer.channels = 16, tokenizer.levels = 4, tokenizer.blocks = 1, tokenizer.attention = 8;
  tokenizer.codes = 128, tokenizer.width = 32, tokenizer.revive = true;
  tokenizer.focus = 20, tokenizer.first_codes = 0.3, tokenizer.commitment = 0.25, tokenizer.detail = 0;
  auto& transformer = options.world.transformer;
  transformer.width = 128, transformer.layers = 3, transformer.frames = 10, transformer.dropout = 0;
  behaviour.width = 16, behaviour.memory = 128, behaviour.horizon = 10, behaviour.context = 4, behaviour.discount = 0.97;
  options.tokens.learning_rate = 1e-3, options.transformer.learning_rate = 5e-4, options.actor.learning_rate = 5e-4;
  options.frames = 32, options.imagined = 16;
  options.world_after = 500, options.actor_after = 1500;
  train.steps = 20000, train.prefill = 1000, train.lanes = 4, train.batch = 16, train.length = 10;
  train.train_ratio = 40;
}

std::unique_ptr<System> make_iris(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<IrisParts>();
  auto& options = parts->options;
  apply_sized_settings(*system, spec, options, [](auto& sized) { set_size(sized); });
  if (options.train.length > options.world.transformer.frames)
    throw Error("train.length = " + std::to_string(options.train.length) + " is more than the transformer looks back at, world.frames = " +
                std::to_string(options.world.transformer.frames) + "; choose at most as many");

  begin_interleaved(*system, *parts, spec, options.seed, 1, static_cast<int>(options.side));
  system->title = "IRIS";
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<IrisModel>(options.world, spaces);
  const std::int64_t picture[] = {spaces.image_channels, spaces.image_height, spaces.image_width};
  parts->actor_critic = std::make_shared<FrameActorCritic>(picture, spaces.action, options.behaviour);
  put_in(*system, parts->model, parts->actor_critic, options.train.bfloat16);
  parts->learner = iris_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->actor_critic->live_options() = p->options.behaviour; };
  complete_interleaved(*system, parts, spec, "Learn: tokens, transformer, imagine", make_iris);
  return system;
}

}  // namespace dream
