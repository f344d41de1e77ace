#include "core/engine/dreamer/dreamer.h"
#include "core/env/registry.h"
#include "core/models/rssm.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

std::unique_ptr<System> make_dreamer(RunSpec spec, const std::string& title) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<DreamerParts>();
  auto& options = parts->options;
  options.fields(system->config, spec.recipe);
  // Size and version choose the defaults, so they are read first and the explicit settings win.
  apply_settings(system->config, spec);
  DreamerOptions published;
  published.size = options.size, published.constants = options.constants, published.benchmark = options.benchmark, published.safe_size = options.safe_size;
  if (spec.weights == 0) spec.environment = published_world(options.benchmark, spec.environment);  // a run that is there keeps its own
  const auto offered = make_env(spec.environment)->spaces();
  set_published(published, spec.recipe, offered.action.discrete());
  if (offered.costs) {
    const auto limit = static_cast<double>(offered.cost_limit);
    published.planner.cost_limit *= limit / published.lagrangian.limit;
    published.lagrangian.limit = limit;
    if (offered.max_episode_steps > 0) published.planner.cost_steps = offered.max_episode_steps;
  }
  options = published;
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed, options.repeat);
  system->title = title;
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  const auto model = std::make_shared<Rssm>(options.world, spaces);
  model->to(system->device);
  const bool bfloat16 = options.train.bfloat16 && bfloat16_is_fast(system->device);
  model->set_bfloat16(bfloat16, bfloat16_is_fast(system->device));
  system->model = parts->model = model;
  if (spec.recipe == "planet") {
    parts->planner = std::make_shared<Planner>(spaces.action, options.planner);
    system->behaviour = parts->planner;
  } else {
    const auto features = model->feature_count();
    if (spec.recipe == "safe-dreamer") {
      parts->safe =
          std::make_shared<SafeActorCritic>(features, spaces.action, options.behaviour, options.lagrangian);
      parts->actor_critic = parts->safe;
    } else {
      parts->actor_critic = std::make_shared<ActorCritic>(features, spaces.action, options.behaviour);
    }
    parts->actor_critic->to(system->device);
    parts->actor_critic->set_bfloat16(bfloat16);
    system->behaviour = parts->actor_critic;
  }
  if (parts->safe) {
    parts->driver = std::make_shared<OwnOrPlanned>(parts->safe, spaces.action, &spaces);
    system->driver = parts->driver;
  }
  parts->learner = dreamer_learner(*parts);
  system->follow_settings = [model, p = parts.get()] {
    const auto& world = p->options.world;
    model->live_options() = world;
    p->system->metrics.set_floor("world/kl", world.free_nats);
    // What is left above the free nats has no floor but 0.
    for (const auto* name : {"world/dynamics", "world/representation"})
      p->system->metrics.set_floor(name, world.free_per == FreePer::excess ? 0 : world.free_nats);
    if (p->actor_critic) p->actor_critic->live_options() = p->options.behaviour;
    if (p->safe) {
      p->safe->lagrangian().live_options() = p->options.lagrangian;
      p->driver->set_plan(p->options.planner, p->options.drives == SafeDriver::osrp);
      for (const auto* name : {"learn/cost", "evaluate/cost"})
        p->system->metrics.set_floor(name, p->options.lagrangian.limit);
      p->system->metrics.set_floor("behaviour/multiplier", p->options.lagrangian.most);
    }
    if (p->planner) p->planner->live_options() = p->options.planner;
  };
  complete_interleaved(*system, parts, spec, "Learn: collect, world model, behaviour",
                       [title](const RunSpec& same) { return make_dreamer(same, title); });
  system->follow_settings();
  return system;
}

}  // namespace

std::unique_ptr<System> make_planet(const RunSpec& spec) {
  return make_dreamer(spec, "PlaNet");
}
std::unique_ptr<System> make_dreamer_v1(const RunSpec& spec) {
  return make_dreamer(spec, "Dreamer V1");
}
std::unique_ptr<System> make_dreamer_v2(const RunSpec& spec) {
  return make_dreamer(spec, "Dreamer V2");
}
std::unique_ptr<System> make_dreamer_v3(const RunSpec& spec) {
  return make_dreamer(spec, "Dreamer V3");
}
std::unique_ptr<System> make_safe_dreamer(const RunSpec& spec) {
  return make_dreamer(spec, "SafeDreamer");
}

}  // namespace dream
