// The constants of the papers, one function each, next to one another so that they can be compared line by line.
#include <map>

#include "api/error.h"
#include "core/engine/dreamer/dreamer.h"

namespace dream {
namespace {

/// Hafner et al. 2019; google-research/planet.
void planet(DreamerOptions& o) {
  auto& w = o.world;
  w.latent = Latent::gaussian;
  w.groups = 30;
  w.unimix = 0;
  w.cell = Cell::gru_block;
  w.deter = w.hidden = 200;
  w.act = w.coder_act = Act::relu;
  w.norm = Norm::none;
  w.init = Init::glorot;
  w.units = 300;
  w.prior_layers = w.posterior_layers = 1;
  w.reward_layers = 3;
  w.coder = Coder::valid;
  w.depth = 32;
  w.image_loss = ImageLoss::normal;
  w.five_bits = true;
  w.symlog_vectors = false;
  w.reward_head = NumberHead::normal;
  w.reward_scale = 10;
  w.continue_scale = 0;
  w.discount = 1;
  w.dynamics_scale = w.representation_scale = 1;
  w.free_nats = 3;
  w.free_per = FreePer::excess;
  o.world_optimiser = {.kind = OptimiserKind::adam,
                       .learning_rate = 1e-3,
                       .eps = 1e-4,
                       .clip_norm = 1000,
                       .adaptive_clip = 0,
                       .warm_up = 0};
  o.train.batch = o.train.length = 50;
  o.train.online_queue = o.train.replay_context = false;
  o.train.train_ratio = 1000;  // 100 updates of 2,500 steps per episode of 250
  o.train.prefill = 2500;
  o.train.lanes = 1;
}

/// Hafner et al. 2020; danijar/dreamer.
void dreamer_v1(DreamerOptions& o, bool discrete) {
  planet(o);
  auto& w = o.world;
  w.cell = Cell::gru;
  w.act = Act::elu;
  w.units = 400;
  w.reward_layers = 2;
  w.continue_layers = 3;
  w.reward_scale = 1;
  w.five_bits = false;
  w.free_per = FreePer::mean;
  auto& b = o.behaviour;
  b.discount = 0.99;
  b.continue_discounts = false;
  b.gradient = Gradient::dynamics;
  b.indexing = Indexing::current;
  b.include_start = false;
  b.entropy = 0;
  b.exploration_noise = discrete ? 0.1 : 0.3;  // ε falls from 0.4 to 0.1 there
  b.sample_to_evaluate = false;
  b.continuous = BoxPolicy::tanh_normal;
  b.unimix = 0;
  b.actor_out_scale = 1;
  b.actor_layers = 4;
  b.critic_layers = 3;
  b.units = 400;
  b.act = Act::elu;
  b.norm = Norm::none;
  b.init = Init::glorot;
  b.critic_head = NumberHead::normal;
  b.target = SlowCritic::none;
  b.normalise_returns = false;
  b.replay_critic = 0;
  const OptimiserOptions adam = {.kind = OptimiserKind::adam,
                                 .learning_rate = 8e-5,
                                 .eps = 1e-7,
                                 .clip_norm = 100,
                                 .adaptive_clip = 0,
                                 .warm_up = 0};
  o.world_optimiser = o.actor_optimiser = o.critic_optimiser = adam;
  o.world_optimiser.learning_rate = 6e-4;
  o.train.train_ratio = 250;  // 100 updates of 2,500 steps every 1,000 steps
  o.train.prefill = 5000;
}

/// Hafner et al. 2021; danijar/dreamerv2, configs.yaml.
void dreamer_v2(DreamerOptions& o, bool discrete) {
  dreamer_v1(o, discrete);
  auto& w = o.world;
  w.latent = Latent::categorical;
  w.groups = w.classes = 32;
  w.cell = Cell::norm_gru;
  w.eps = 1e-3;
  w.deter = w.hidden = discrete ? 600 : 200;
  w.coder_act = Act::elu;
  w.reward_layers = w.continue_layers = w.vector_layers = 4;
  w.depth = 48;
  w.tanh_rewards = discrete;
  w.continue_scale = discrete ? 5 : 0;
  w.discount = discrete ? 0.999 : 0.99;
  w.deviation = Deviation::sigmoid;
  const double kl = discrete ? 0.1 : 1;
  w.kl_balance = 0.8;
  w.dynamics_scale = 0.8 * kl;
  w.representation_scale = 0.2 * kl;
  w.free_nats = discrete ? 0 : 1;
  auto& b = o.behaviour;
  b.discount = w.discount;
  b.gradient = discrete ? Gradient::reinforce : Gradient::dynamics;
  b.include_start = true;
  b.entropy = discrete ? 1e-3 : 1e-4;
  b.exploration_noise = 0;
  b.continuous = BoxPolicy::truncated_normal;
  b.actor_layers = b.critic_layers = 4;
  b.target = SlowCritic::copy;
  o.world_optimiser.learning_rate = discrete ? 2e-4 : 3e-4;
  o.actor_optimiser.learning_rate = discrete ? 4e-5 : 8e-5;
  o.critic_optimiser.learning_rate = discrete ? 1e-4 : 8e-5;
  for (auto* adam : {&o.world_optimiser, &o.actor_optimiser, &o.critic_optimiser}) {
    adam->eps = 1e-5;
    adam->weight_decay = 1e-6 / adam->learning_rate;  // there a share per step, whatever the learning rate
  }
  o.train.batch = 16;
  o.train.length = 50;
  o.train.train_ratio = discrete ? 50 : 160;  // one update of 800 steps per 16 steps, per 5 steps
  o.train.prefill = discrete ? 50000 : 1000;
}

/// Hafner et al. 2023, as published in Nature 2025; danijar/dreamerv3.
void dreamer_v3_2024(DreamerOptions& o) {
  struct Layers {
    std::int64_t deter, hidden, classes, depth;
  };
  static const std::map<Size, Layers> sizes = {
      {Size::s_1m, {512, 64, 4, 4}},         {Size::s_12m, {2048, 256, 16, 16}},   {Size::s_25m, {3072, 384, 24, 24}},
      {Size::s_50m, {4096, 512, 32, 32}},    {Size::s_100m, {6144, 768, 48, 48}},  {Size::s_200m, {8192, 1024, 64, 64}},
      {Size::s_400m, {12288, 1536, 96, 96}}};
  const auto found = sizes.find(o.size == Size::smallest ? Size::s_1m : o.size);
  if (found == sizes.end())
    throw Error("the sizes of Dreamer V3 (2024) are 1m, 12m, 25m, 50m, 100m, 200m and 400m, not " + name_of(o.size));
  const auto [deter, hidden, classes, depth] = found->second;
  auto& w = o.world;
  w.deter = deter;
  w.hidden = w.units = o.behaviour.units = hidden;
  w.classes = classes;
  w.depth = depth;
}

/// The first version of Dreamer V3, of January 2023, which NM512/dreamerv3-torch follows.
void dreamer_v3_2023(DreamerOptions& o, bool discrete) {
  struct Layers {
    std::int64_t deter, depth, units, layers;
  };
  static const std::map<Size, Layers> sizes = {{Size::xs, {256, 24, 256, 1}},
                                               {Size::s, {512, 32, 512, 2}},
                                               {Size::m, {1024, 48, 640, 3}},
                                               {Size::l, {2048, 64, 768, 4}},
                                               {Size::xl, {4096, 96, 1024, 5}}};
  const auto found = sizes.find(o.size == Size::smallest ? Size::xs : o.size);
  if (found == sizes.end()) throw Error("the sizes of Dreamer V3 (2023) are xs, s, m, l and xl, not " + name_of(o.size));
  const auto [deter, depth, units, layers] = found->second;
  auto& w = o.world;
  w.classes = 32;
  w.cell = Cell::norm_gru;
  w.deter = deter;
  w.hidden = w.units = units;
  w.learned_initial = true;
  w.norm = Norm::layer;
  w.eps = 1e-3;
  w.bias_with_norm = false;
  w.init = Init::average;
  w.prior_layers = w.posterior_layers = 1;
  w.reward_layers = w.continue_layers = w.vector_layers = layers;
  w.coder = Coder::same;
  w.depth = depth;
  w.image_loss = ImageLoss::offset;
  w.reward_head = NumberHead::symlog;
  w.discount = 1;
  w.dynamics_scale = 0.5;
  auto& b = o.behaviour;
  b.continue_discounts = false;
  b.gradient = discrete ? Gradient::reinforce : Gradient::dynamics;
  b.actor_out_scale = 1;
  b.actor_layers = b.critic_layers = layers;
  b.units = units;
  b.norm = Norm::layer;
  b.init = Init::average;
  b.eps = 1e-3;
  b.bias_with_norm = false;
  b.critic_head = NumberHead::symlog;
  b.replay_critic = 0;
  o.world_optimiser = {.kind = OptimiserKind::adam,
                       .learning_rate = 1e-4,
                       .eps = 1e-8,
                       .clip_norm = 1000,
                       .adaptive_clip = 0,
                       .warm_up = 0};
  o.actor_optimiser = o.critic_optimiser = {.kind = OptimiserKind::adam,
                                            .learning_rate = 3e-5,
                                            .eps = 1e-5,
                                            .clip_norm = 100,
                                            .adaptive_clip = 0,
                                            .warm_up = 0};
  o.train.online_queue = o.train.replay_context = false;
  o.train.train_ratio = discrete ? 64 : 512;  // Atari and DMLab; control suite
}

/// Steps are decisions of the agent: Atari's are four frames.
void benchmark_of_v3(DreamerOptions& o, bool first) {
  struct Amounts {
    std::int64_t steps, lanes;
    double ratio, first_ratio;  // of 2024 and of 2023
    Sees observe;
  };
  static const std::map<Benchmark, Amounts> all = {{Benchmark::atari100k, {110'000, 1, 256, 1024, Sees::image}},
                                                   {Benchmark::crafter, {1'100'000, 1, 512, 512, Sees::image}},
                                                   {Benchmark::dmc_proprio, {1'100'000, 16, 1024, 512, Sees::vector}},
                                                   {Benchmark::dmc_vision, {1'100'000, 16, 256, 512, Sees::image}}};
  const auto found = all.find(o.benchmark);
  if (found == all.end()) return;
  o.train.steps = found->second.steps, o.train.lanes = found->second.lanes;
  o.train.train_ratio = first ? found->second.first_ratio : found->second.ratio;
  o.world.observe = found->second.observe;
}

/// Huang et al. 2024, on the first V3; PKU-Alignment/SafeDreamer, configs.yaml, bsrp_lag. Tiny is ours: the multiplier is
/// set by PID there, the actor learns by REINFORCE, and costs and values are two-hot over symexp bins, as in V3 of 2024.
void safe_dreamer(DreamerOptions& o, bool discrete) {
  o.size = Size::s, o.constants = Constants::first_2023;
  dreamer_v3_2023(o, discrete);
  o.cost_critic_optimiser = o.critic_optimiser;
  auto& w = o.world;
  w.groups = w.classes = 48;
  w.cost_scale = 1;
  o.train.train_ratio = 512;
  o.lagrangian.kind = Multiplier::augmented;
  o.lagrangian.pessimistic = true;
  o.planner = published_plan(PlanMethod::osrp);
  if (o.safe_size == SafeSize::published) return;
  w.observe = Sees::vector;
  w.deter = w.hidden = w.units = 256;
  o.behaviour.units = 128;
  w.groups = w.classes = 16;
  w.depth = 4;
  w.paint_every = 64;
  // A hazard's distance is small in the lidar's units: at the published weights the latent never learns it, and no dream
  // foresees what costs (docs/learning.md).
  w.vector_scale = 100;
  w.symlog_vectors = false;
  w.dynamics_scale = 5, w.representation_scale = 1;
  // A mean in symlog space is far below the mean of what is mostly nothing and sometimes dear.
  w.reward_head = o.behaviour.critic_head = NumberHead::symexp;
  o.behaviour.horizon = 5;  // costs are foreseen for about as many steps; the critic of costs tells the rest
  // Values that reach 333 steps do not come to where they belong within such a training, from dreams of 5 (docs/learning.md).
  o.behaviour.discount = 0.97;
  o.behaviour.gradient = Gradient::reinforce;
  o.lagrangian.kind = Multiplier::pid;
  o.lagrangian.integral = 0.001, o.lagrangian.proportional = 0.01, o.lagrangian.most = 3;
  // The policy near the limit proposes; what is planned keeps below an eighth of it, as the model does not foresee all, and
  // among such plans what costs counts as well, to where the critic of costs looks.
  o.drives = SafeDriver::osrp;
  o.planner.horizon = 6;
  o.planner.candidates = 128, o.planner.from_prior = 48, o.planner.elites = 16, o.planner.iterations = 3;
  o.planner.cost_limit = 3, o.planner.cost_steps = 250, o.planner.cost_weight = 1;
  o.world_optimiser.learning_rate = 1e-3;
  for (auto* adam : {&o.actor_optimiser, &o.critic_optimiser, &o.cost_critic_optimiser}) adam->learning_rate = 3e-4;
  o.train.batch = 32, o.train.length = 16;
  o.train.train_ratio = 128;
  o.train.bfloat16 = false;  // conversions were 9 % of the time with matrices this small
  o.train.lanes = 4;
  o.train.prefill = 2000;
  o.train.steps = 32000;  // 7,500 updates
}

}  // namespace

std::string published_world(Benchmark benchmark, const std::string& name) {
  if (name.ends_with(']')) return name;
  if (benchmark == Benchmark::atari100k && name.starts_with("gym:ALE/")) return name + "[size=64,repeat=4,max=true,noop=30,sticky=0]";
  if (benchmark == Benchmark::dmc_vision && name.starts_with("dmc:")) return name + "[size=64,pixels=true]";
  return name;
}

void set_published(DreamerOptions& options, const std::string& recipe, bool discrete) {
  if (recipe == "planet") return planet(options);
  if (recipe == "dreamer-v1") return dreamer_v1(options, discrete);
  if (recipe == "dreamer-v2") return dreamer_v2(options, discrete);
  if (recipe == "safe-dreamer") return safe_dreamer(options, discrete);
  const bool first = options.constants == Constants::first_2023;
  if (options.benchmark != Benchmark::none && options.size == Size::smallest)
    options.size = first ? (options.benchmark == Benchmark::crafter ? Size::xl : Size::s)
                         : options.benchmark == Benchmark::dmc_proprio ? Size::s_1m : Size::s_200m;
  first ? dreamer_v3_2023(options, discrete) : dreamer_v3_2024(options);
  benchmark_of_v3(options, first);
}

}  // namespace dream
