#include "core/engine/tssm/tssm_recipe.h"

#include "api/error.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {
namespace {

OptimiserOptions tssm_adam(double learning_rate, double eps, double clip) {
  return {.kind = OptimiserKind::adam, .learning_rate = learning_rate, .eps = eps, .clip_norm = clip, .adaptive_clip = 0, .warm_up = 0};
}

/// Zhang et al. 2023; weipu-zhang/STORM, STORM.yaml.
void storm_constants(TssmRunOptions& o) {
  auto& b = o.behaviour;
  b.horizon = 16;
  b.discount = 0.985;
  b.continue_discounts = false;
  b.lambda = 0.95;
  b.entropy = 3e-4;
  b.unimix = 0;
  b.actor_out_scale = 1;
  b.actor_layers = b.critic_layers = 2;
  b.units = 512;
  b.act = Act::relu;
  b.norm = Norm::layer;
  b.eps = 1e-5;
  b.bias_with_norm = false;
  b.critic_head = NumberHead::symlog;
  b.target = SlowCritic::average;
  b.replay_critic = 0;
  o.world_optimiser = tssm_adam(1e-4, 1e-8, 1000);
  o.actor_optimiser = o.critic_optimiser = tssm_adam(3e-5, 1e-5, 100);
  o.train.batch = 16, o.train.length = 64;
  o.train.train_ratio = 16 * 64;  // an update of each a step
  o.train.prefill = 1024, o.train.steps = 102000, o.train.lanes = 1;
  if (o.size == TssmSize::published) return;
  auto& w = o.world;
  w.groups = w.classes = 16;
  w.width = 128, w.heads = 4, w.each = 32, w.between = 256;
  w.window = 32, w.keep = 16;
  w.depth = 8;
  b.units = 128;
  b.horizon = 12;
  b.entropy = 3e-3;
  o.world_optimiser.learning_rate = 1e-3;
  o.actor_optimiser.learning_rate = o.critic_optimiser.learning_rate = 3e-4;
  o.imagined = 256;
  o.train.length = 32;
  o.train.train_ratio = 64;
  o.train.prefill = 2000, o.train.steps = 30000, o.train.lanes = 4;
}

/// Chen et al. 2022; changchencc/TransDreamer, configs_atari.py: Dreamer V2's heads and losses around another memory.
void transdreamer_constants(TssmRunOptions& o) {
  DreamerOptions v2;
  set_published(v2, "dreamer-v2", true);
  auto& w = o.world;
  w.unimix = 0;
  w.width = 600, w.layers = 6;
  w.window = 50, w.keep = 25;
  w.depth = 48, w.hidden = 600, w.units = 400, w.head_layers = 4;
  w.image_deviation = 0.3;
  w.continue_scale = 5;
  w.dynamics_scale = 0.8 * 0.1, w.representation_scale = 0.2 * 0.1, w.free_nats = 0;
  auto& b = o.behaviour = v2.behaviour;
  b.indexing = Indexing::arrived;  // a return begins with the reward of the state that an action led to
  b.continue_discounts = false;
  o.world_optimiser = o.actor_optimiser = o.critic_optimiser = tssm_adam(2e-4, 1e-5, 100);
  o.actor_optimiser.learning_rate = 4e-5, o.critic_optimiser.learning_rate = 1e-4;
  for (auto* optimiser : {&o.world_optimiser, &o.actor_optimiser, &o.critic_optimiser}) optimiser->weight_decay = 1e-6;
  o.context = 0;
  o.imagined = 50;  // one moment of every sequence
  o.train.batch = o.train.length = 50;
  o.train.train_ratio = 2500.0 / 16;  // an update every 16 steps
  o.train.prefill = 50000, o.train.steps = 10000000, o.train.lanes = 1;
  if (o.size == TssmSize::published) return;
  w.groups = w.classes = 16;
  w.width = 96, w.layers = 2, w.heads = 4, w.each = 24, w.between = 192;
  w.window = 64, w.keep = 48;
  w.depth = 8, w.hidden = 128, w.units = 128, w.head_layers = 2;
  b.units = 128, b.actor_layers = b.critic_layers = 2;
  b.discount = 0.985;
  b.entropy = 3e-3;
  o.world_optimiser.learning_rate = 1e-3;
  o.actor_optimiser.learning_rate = o.critic_optimiser.learning_rate = 3e-4;
  o.imagined = 256;
  o.train.batch = 16, o.train.length = 64;
  o.train.train_ratio = 64;
  o.train.prefill = 2000, o.train.steps = 30000, o.train.lanes = 4;
}

std::unique_ptr<System> make_tssm(const RunSpec& spec, TssmKind kind) {
  const bool storm = kind == TssmKind::storm;
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<TssmParts>();
  auto& options = parts->options;
  options.world.kind = kind;
  apply_sized_settings(*system, spec, options, [kind](auto& published) { set_published(published, kind); });
  if (options.context > options.world.window) throw Error("learn.context is longer than world.window; choose fewer frames");

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = storm ? "STORM" : "TransDreamer";
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<Tssm>(options.world, spaces);
  parts->actor_critic = std::make_shared<ActorCritic>(parts->model->feature_count(), spaces.action, options.behaviour);
  put_in(*system, parts->model, parts->actor_critic, options.train.bfloat16);
  parts->learner = tssm_learner(*parts);
  system->follow_settings = [p = parts.get()] {
    p->model->live_options() = p->options.world;
    p->actor_critic->live_options() = p->options.behaviour;
    for (const auto* name : {"world/dynamics", "world/representation"})
      p->system->metrics.set_floor(name, p->options.world.free_nats);
  };
  complete_interleaved(*system, parts, spec, "Learn: collect, world model, behaviour",
                       [kind](const RunSpec& same) { return make_tssm(same, kind); });
  system->follow_settings();
  return system;
}

}  // namespace

void TssmRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny: for two cores; published: the paper's for Atari"});
  seed_field(config, seed);
  world.fields(config, "world.");
  behaviour.fields(config, "behaviour.");
  optimiser_fields(config, "world_optimiser.", world_optimiser, "the world model");
  optimiser_fields(config, "actor_optimiser.", actor_optimiser, "the actor");
  optimiser_fields(config, "critic_optimiser.", critic_optimiser, "the critic");
  config.add("learn.imagined", imagined, {.help = "States that a batch of imagination starts from", .low = 1, .high = 65536});
  config.add("learn.context", context,
             {.help = "Frames that are seen before each of them, of a batch of its own; 0: they are moments of the world model's batch",
              .unit = "frames",
              .low = 0,
              .high = 4096});
  train.fields(config, "train.");
  config.resumable({"train.batch", "train.budget_gb", "train.datasets", "train.online_queue", "train.prefill", "train.bfloat16", "train.gauges",
                    "train.actor", "train.evaluate_episodes"});
}

void set_published(TssmRunOptions& options, TssmKind kind) {
  options.world.kind = kind;
  options.train.online_queue = options.train.replay_context = false;
  kind == TssmKind::storm ? storm_constants(options) : transdreamer_constants(options);
}

std::unique_ptr<System> make_transdreamer(const RunSpec& spec) {
  return make_tssm(spec, TssmKind::transdreamer);
}
std::unique_ptr<System> make_storm(const RunSpec& spec) {
  return make_tssm(spec, TssmKind::storm);
}

}  // namespace dream
