#include "core/engine/dreamer4/dreamer4.h"

#include <cmath>

#include "api/error.h"
#include "core/engine/evaluate.h"
#include "core/engine/interleaved.h"
#include "core/engine/population.h"
#include "core/engine/seed_field.h"

namespace dream {

void set_size(Dreamer4RunOptions& options) {
  auto& world = options.world;
  auto& tokens = world.tokenizer;
  auto& dynamics = world.dynamics;
  options.tokenizer.updates = 5000, options.tokenizer.batch = 16;
  options.dynamics.updates = 3000, options.dynamics.batch = 32;
  options.agent.updates = 600, options.agent.batch = 16;
  options.imagination.updates = 500, options.imagination.batch = 32;
  options.collect.hold = 9;  // as edwhu/dreamer4-jax, whose square holds a direction for 4 to 9 steps
  options.behaviour.discount = 0.9;  // likewise
  if (options.size == Dreamer4Size::tiny) return;

  for (auto* stage : {&options.tokenizer, &options.dynamics, &options.agent, &options.imagination})
    stage->optimiser.learning_rate = 1e-4, stage->updates = 100000;
  options.learn.bootstrap_after = 5000;
  world.units = 512, world.ahead = 8;
  if (options.size == Dreamer4Size::port) {  // nicklashansen/dreamer4, for pictures of 128 x 128
    tokens.patch = 4, tokens.latents = 16, tokens.numbers = 32;
    tokens.net = {.width = 256, .layers = 8, .heads = 4, .time_every = 1};
    dynamics.net = {.width = 512, .layers = 8, .heads = 4, .time_every = 1, .context = 32};
    dynamics.registers = 4;
    options.learn.short_piece = options.learn.long_piece = 32;
    options.learn.horizon = 32;
    return;
  }
  tokens.patch = 16, tokens.latents = 512, tokens.numbers = 16;
  tokens.net = {.width = 1024, .layers = 12, .heads = 16, .time_every = 4};
  dynamics.finest = 64, dynamics.registers = 4;
  dynamics.net = {.width = 2048, .layers = 22, .heads = 16, .time_every = 4, .context = 192};
  options.learn.short_piece = 64, options.learn.long_piece = 256;
  options.behaviour.discount = 0.997;
}

void Dreamer4RunOptions::fields(Config& config) {
  config.add("size", size,
             {.help = "tiny: small worlds on two cores; port: what nicklashansen/dreamer4 learns with; published: the constants that are known "
                      "of the paper, second-hand, with widths that come near its 2 billion weights"});
  seed_field(config, seed);
  world.fields(config);
  behaviour.fields(config, "policy.");
  collect.fields(config, "collect.");
  tokenizer.fields(config, "tokenizer.", "the tokenizer");
  dynamics.fields(config, "dynamics.", "the dynamics");
  agent.fields(config, "agent.", "the dynamics and the heads on its agent token");
  imagination.fields(config, "imagination.", "policy and value");
  config.add("imagination.horizon", learn.horizon, {.help = "Imagined frames of a start", .unit = "frames", .low = 1, .high = 256});
  config.add("imagination.steps", learn.steps, {.help = "Shortcut steps of each, a power of two", .low = 1, .high = 64});
  config.add("learn.short", learn.short_piece, {.help = "Frames of a short piece", .unit = "frames", .low = 2, .high = 1024});
  config.add("learn.long", learn.long_piece,
             {.help = "Frames of a long piece: more than it looks back at, so that a dream may go on as long as it will", .unit = "frames", .low = 2, .high = 1024});
  config.add("learn.long_every", learn.long_every, {.help = "Every so many updates a batch is of long pieces", .low = 1, .high = 1e6});
  config.add("learn.bootstrap_after", learn.bootstrap_after,
             {.help = "Updates of the dynamics before it learns that a long step is two of half its length", .low = 0, .high = 1e9});
  config.add("learn.bootstrap_share", learn.bootstrap_share, {.help = "Share of a batch that learns this from then on", .low = 0, .high = 0.9, .live = true});
  config.add("learn.reward_weight", learn.reward_weight, {.help = "Weight of rewards and ends beside the dynamics' loss", .low = 0, .high = 100, .live = true});
  config.add("learn.clone_weight", learn.clone_weight, {.help = "Weight of what was done next", .low = 0, .high = 100, .live = true});
  train.datasets.fields(config, "train.", "Dataset folders, separated by ':', whose episodes it learns from; empty: it collects random ones");
  config.add("train.budget_gb", train.budget_gb, {.help = "Memory that they may take", .unit = "GB", .low = 0.01, .high = 1e4, .title = "memory budget"});
  config.add("train.measure_every", train.measure_every, {.help = "Updates between two looks at the same pieces", .low = 1, .high = 1e9});
  config.add("train.measured", train.measured, {.help = "Pieces that are looked at", .low = 2, .high = 4096});
  config.add("train.bfloat16", train.bfloat16, {.help = "bf16 matrix products where the processor has them; weights stay float32"});
  config.add("train.evaluate_episodes", train.evaluate_episodes, {.help = "Unseen episodes at the end", .low = 1, .high = 1e6});
  config.resumable({"tokenizer.updates", "dynamics.updates", "agent.updates", "imagination.updates", "collect.episodes", "collect.lanes", "train.budget_gb",
                    "train.evaluate_episodes"});
}

std::unique_ptr<System> make_dreamer4(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<Dreamer4Parts>();
  auto& options = parts->options;
  apply_sized_settings(*system, spec, options, [](auto& sized) { set_size(sized); });

  begin_system(*system, spec, options.seed);
  system->title = "Dreamer 4";
  parts->system = system.get();
  shortcut_exponent(options.learn.steps);
  if (options.learn.steps > options.world.dynamics.finest)
    throw Error("imagination.steps is " + std::to_string(options.learn.steps) + ", and a frame is made in at most " +
                std::to_string(options.world.dynamics.finest) + " steps: dynamics.finest says so");
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<Dreamer4Model>(options.world, spaces);
  auto settled = options.behaviour;
  settled.ahead = options.world.ahead, settled.units = options.world.units, settled.layers = options.world.head_layers,
  settled.bins = options.world.bins;
  parts->agent = std::make_shared<Dreamer4Agent>(parts->model->feature_count(), spaces.action, settled);
  parts->model->to(system->device);
  parts->model->eval();
  parts->agent->to(system->device);
  system->model = parts->model;
  system->behaviour = parts->agent;
  parts->feed = std::make_unique<Feed>(*system, parts->rng("replay"));
  auto curves = dreamer4_curves();
  curves.push_back({"evaluate/reward", "Return of unseen episodes", "reward", "episode"});
  if (spaces.costs) curves.push_back(cost_curve("evaluate/cost", "Cost of unseen episodes", "episode", spaces));
  system->metrics = Metrics(std::move(curves));
  system->parts = parts;
  system->follow_settings = [p = parts.get()] {
    auto& live = p->agent->live_options();
    const auto& set = p->options.behaviour;
    live.discount = set.discount, live.lambda = set.lambda, live.alpha = set.alpha, live.beta = set.beta;
  };
  system->memory_bytes = [p = parts.get()] { return static_cast<double>(p->feed->replay().bytes()); };
  system->budget_bytes = [p = parts.get()] { return p->options.train.budget_gb * 1e9; };
  if (options.train.datasets.empty())
    system->phases.push_back(walk_phase(*system, options.collect, parts->own_folder(), parts->rng("collect"), [p = parts.get()] { p->feed->close(); }));
  const auto stages = dreamer4_stages(parts);
  system->phases.insert(system->phases.end(), stages.begin(), stages.end());
  system->phases.push_back(evaluate_phase(*system, {[p = parts.get()] { return p->options.train.evaluate_episodes; },
                                                    [agent = stages[2].get(), imagination = stages[3].get(), p = parts.get()] {
                                                      return std::llround(agent->progress() * static_cast<double>(p->options.agent.updates) +
                                                                          imagination->progress() * static_cast<double>(p->options.imagination.updates));
                                                    }}));
  return system;
}

}  // namespace dream
