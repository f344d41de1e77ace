#include "api/error.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/env/registry.h"
#include "core/env/repeated.h"
#include "core/env/resized.h"
#include "core/models/rssm.h"
#include "core/nn/device.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

std::vector<Metrics::Spec> dreamer_curves(const DreamerOptions& o, bool planner) {
  const auto& w = o.world;
  const auto spec = [](const char* name, const char* title, const char* unit, const char* x = "update") {
    return Metrics::Spec{name, title, unit, x};
  };
  const auto divergence = [&](const char* name, const std::string& title) {
    return Metrics::Spec{name, title, "nats", "update", 0, "free nats"};
  };
  const bool excess = w.free_per == FreePer::excess;
  const std::string before = excess ? "max(0, " : "max(", after = excess ? " − free)" : ", free)";
  std::vector<Metrics::Spec> specs = {
      spec("learn/return", "Return of collected episodes", "reward", "step"),
      spec("learn/episode_length", "Length of collected episodes", "steps", "step"),
      spec("world/image", w.image_loss == ImageLoss::normal ? "Image: −log N(x; x̂, 1)" : "Image: Σ(x − x̂)²", ""),
      spec("world/vector", w.image_loss == ImageLoss::normal ? "Vector: −log N(x; x̂, 1)" : "Vector: Σ(x − x̂)²", ""),
      spec("world/reward", "Reward: −log p(r)", "nats"),
      spec("world/continue", "Continue: −log p(c)", "nats"),
      divergence("world/dynamics", "Dynamics: " + before + "KL(sg(q) ‖ p)" + after),
      divergence("world/representation", "Representation: " + before + "KL(q ‖ sg(p))" + after),
      spec("world/overshooting", "Latent overshooting: KL(sg(q) ‖ p_d)", "nats"),
      divergence("world/kl", "KL(q ‖ p)"),
      spec("world/kl_begin", "KL(q ‖ p) where a replayed piece begins", "nats"),
      spec("world/gradient", "Gradient norm of the world model", "")};
  // What this run has no part for is not listed.
  std::erase_if(specs, [&](const Metrics::Spec& s) {
    return (s.name == "world/image" && w.observe == Sees::vector && !w.paint) ||
           (s.name == "world/vector" && w.observe == Sees::image) ||
           (s.name == "world/continue" && w.continue_scale <= 0) ||
           (s.name == "world/overshooting" && w.overshooting < 2);
  });
  if (!planner) {
    specs.insert(
        specs.end(),
        {spec("behaviour/actor", "Actor loss", ""), spec("behaviour/critic", "Critic: −log p(R)", "nats"),
         spec("behaviour/replay_critic", "Critic on replayed rewards", "nats"),
         spec("behaviour/entropy", "Entropy of the policy", "nats"),
         spec("behaviour/return", "Imagined λ-return", "reward"), spec("behaviour/value", "Imagined value", "reward"),
         spec("behaviour/actor_gradient", "Gradient norm of the actor", ""),
         spec("behaviour/critic_gradient", "Gradient norm of the critic", "")});
  }
  specs.push_back(spec("evaluate/reward", "Return of unseen episodes", "reward", "episode"));
  return specs;
}

std::unique_ptr<System> make_dreamer(const RunSpec& spec, const std::string& recipe, const std::string& title) {
  auto system = std::make_unique<System>();
  auto parts = std::make_shared<DreamerParts>();
  auto& options = parts->options;
  const bool discrete = make_env(spec.environment)->spaces().action.discrete();
  options.fields(system->config, recipe);
  // Size and version choose the defaults, so they are read first and the explicit settings win.
  apply_settings(system->config, spec);
  DreamerOptions published;
  published.size = options.size, published.constants = options.constants;
  set_published(published, recipe, discrete);
  options = published;
  system->config.take_as_default();
  apply_settings(system->config, spec);

  system->recipe = parts->recipe = recipe;
  system->title = title;
  system->environment = spec.environment;
  system->directory = spec.directory;
  system->device = device_from(spec.device);
  system->make_env = [name = spec.environment, repeat = static_cast<int>(options.repeat)]() -> std::unique_ptr<Env> {
    auto env = make_env(name);
    if (repeat > 1) env = std::make_unique<RepeatedEnv>(std::move(env), repeat);
    const auto& seen = env->spaces();
    if (seen.image_bytes() == 0 || (seen.image_height == 64 && seen.image_width == 64)) return env;
    // CarRacing's lower 12 rows are the instrument bar, which world models leave away.
    return std::make_unique<ResizedEnv>(std::move(env), name.starts_with("CarRacing") ? 84 : 0, 64, 64);
  };
  const auto spaces = system->make_env()->spaces();
  torch::manual_seed(static_cast<std::uint64_t>(options.seed));  // the layers' first weights
  parts->system = system.get();
  const auto model = std::make_shared<Rssm>(options.world, spaces);
  parts->model = model;
  model->to(system->device);
  const bool narrow = options.train.bfloat16 && bfloat16_is_fast(system->device);
  model->set_bfloat16(narrow);
  if (recipe == "planet") {
    parts->planner = std::make_shared<Planner>(spaces.action, options.planner);
    system->behaviour = parts->planner;
  } else {
    parts->actor_critic =
        std::make_shared<ActorCritic>(parts->model->feature_count(), spaces.action, options.behaviour);
    parts->actor_critic->to(system->device);
    parts->actor_critic->set_bfloat16(narrow);
    system->behaviour = parts->actor_critic;
  }
  system->model = parts->model;
  system->follow_settings = [model, p = parts.get()] {
    const auto& world = p->options.world;
    model->live_options() = world;
    p->system->metrics.set_floor("world/kl", world.free_nats);
    // What is left above the free nats has no floor but 0.
    for (const auto* name : {"world/dynamics", "world/representation"})
      p->system->metrics.set_floor(name, world.free_per == FreePer::excess ? 0 : world.free_nats);
    if (p->actor_critic) p->actor_critic->live_options() = p->options.behaviour;
    if (p->planner) p->planner->live_options() = p->options.planner;
  };
  parts->twin = [spec, recipe, title, p = parts.get()] {
    RunSpec same = spec;
    same.toml = p->system->config.to_toml();
    same.settings.clear();
    return std::shared_ptr<System>(make_dreamer(same, recipe, title));
  };
  system->metrics = Metrics(dreamer_curves(options, recipe == "planet"));
  system->parts = parts;
  system->follow_settings();
  system->memory_bytes = [p = parts.get()] { return static_cast<double>(p->replay.bytes()); };
  system->budget_bytes = [p = parts.get()] { return p->options.train.budget_gb * 1e9; };
  system->phases = {learn_phase(parts), dreamer_evaluate_phase(parts)};
  return system;
}

}  // namespace

std::unique_ptr<System> make_planet(const RunSpec& spec) {
  return make_dreamer(spec, "planet", "PlaNet");
}
std::unique_ptr<System> make_dreamer_v1(const RunSpec& spec) {
  return make_dreamer(spec, "dreamer-v1", "Dreamer V1");
}
std::unique_ptr<System> make_dreamer_v2(const RunSpec& spec) {
  return make_dreamer(spec, "dreamer-v2", "Dreamer V2");
}
std::unique_ptr<System> make_dreamer_v3(const RunSpec& spec) {
  return make_dreamer(spec, "dreamer-v3", "Dreamer V3");
}

}  // namespace dream
