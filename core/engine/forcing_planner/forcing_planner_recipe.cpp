#include "core/engine/forcing_planner/forcing_planner_recipe.h"

#include <algorithm>

#include "core/engine/evaluate.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {

void set_size(PlannerRunOptions& options) {
  if (options.size == PlannerSize::published) return;
  auto& planner = options.planner;
  planner.net = {.width = 64, .layers = 4, .heads = 4, .units = 256};
  planner.stack = 5, planner.tokens = 12;  // 60 steps
  planner.steps = 20, planner.replan = 10;
  planner.guidance = 30, planner.rest = 0;  // a short plan is to be there, and not to creep
  options.collect.max_steps = 80;  // whoever is at the goal rests, and there is little to learn from that
  options.optimiser.learning_rate = 1e-3, options.optimiser.warm_up = 500;
  options.train.updates = 40000, options.train.batch = 64;
}

void PlannerRunOptions::fields(Config& config) {
  config.add("size", size, {.help = "tiny: fits two cores; published: the constants of the published planner of the U-maze"});
  seed_field(config, seed);
  planner.fields(config, "planner.");
  optimiser_fields(config, "optimiser.", optimiser, "the planner");
  collect.fields(config, "collect.");
  config.add("collect.expert", collect.expert, {.help = "The world's own expert walks, and not chance"});
  config.add("collect.noise", collect.noise, {.help = "Share of an action's range by which the expert is shaken, at most", .low = 0, .high = 1});
  train.data_fields(config, "train.", "; empty: it collects its own");
  config.add("train.evaluate_episodes", train.evaluate_episodes, {.help = "Unseen episodes at the end", .low = 1, .high = 1e6});
  config.resumable({"collect.episodes", "collect.lanes", "train.updates", "train.batch", "train.budget_gb", "train.evaluate_episodes",
                    "planner.steps", "planner.stabilisation", "planner.order", "planner.uncertainty", "planner.guidance", "planner.replan",
                    "planner.futures"});
}

std::optional<ForcingPlanner::Places> places_in(Env& env) {
  if (!env.spaces().places) return {};
  constexpr int grid = 24;
  struct Stood {
    double picture, number;
  };
  std::optional<Stood> x, y;
  ForcingPlanner::Places found;
  env.reset(0);
  const auto& names = env.spaces().vector_names;
  std::vector<float> vector(names.size());
  const auto at = [&](const char* name) { return static_cast<double>(vector[static_cast<std::size_t>(std::ranges::find(names, name) - names.begin())]); };
  // Two places that differ in a direction give its scale.
  const auto take = [](std::optional<Stood>& first, Stood now, double& offset, double& scale) {
    if (!first) first = now;
    if (now.number == first->number) return;
    scale = (now.picture - first->picture) / (now.number - first->number);
    offset = now.picture - scale * now.number;
  };
  for (int place = 0; place < grid * grid; ++place) {
    const double px = (place % grid + 0.5) / grid, py = (place / grid + 0.5) / grid;
    if (!env.stand_at(px, py)) continue;
    env.observe_vector(vector);
    take(x, {px, at("x")}, found.x_at, found.x_scale), take(y, {py, at("y")}, found.y_at, found.y_scale);
  }
  if (found.x_scale == 0 || found.y_scale == 0) return {};
  return found;
}

std::unique_ptr<System> make_forcing_planner(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<PlannerParts>();
  auto& options = parts->options;
  apply_sized_settings(*system, spec, options, [](auto& sized) { set_size(sized); });

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "Planning by Diffusion Forcing";
  const auto env = system->make_env();
  parts->behaviour = std::make_shared<ForcingPlanner>(options.planner, env->spaces());
  parts->behaviour->show_on(places_in(*env));
  parts->behaviour->to(system->device);
  system->behaviour = parts->behaviour;
  parts->learner = planner_learner(*parts);
  complete_offline(*system, parts, options.train, "Learn: steps of any noise", &options.collect);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  return system;
}

}  // namespace dream
