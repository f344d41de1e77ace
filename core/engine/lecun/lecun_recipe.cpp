#include "core/engine/lecun/lecun_recipe.h"
#include "core/nn/precision.h"

namespace dream {

void TeachOptions::fields(Config& config, const std::string& prefix) {
  const auto count = [&](const char* name, std::int64_t& value, const char* help, double most, bool live = true) {
    config.add(prefix + name, value, {.help = help, .low = 1, .high = most, .live = live});
  };
  count("every", every, "Updates between two times that Mode 2 thinks for its pupils", 10000);
  count("states", states, "States that it then thinks from", 4096);
  count("candidates", candidates, "Action sequences of a round of its thinking", 100000);
  count("iterations", iterations, "Rounds of its thinking", 1000);
  count("imitated", imitated, "Steps of a plan that the policy imitates; the later ones are less thought through", 200);
  count("room", room, "Plans in the short-term memory", 1e6, false);
  count("batch", batch, "Plans of it that policy and critic learn from in every update", 4096);
  config.add(prefix + "learning_rate", learning_rate,
             {.help = "Step size of policy and critic", .low = 1e-6, .high = 1, .logarithmic = true, .live = true});
}

std::unique_ptr<System> make_lecun(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<LecunParts>();
  auto& options = parts->options;
  auto& train = options.train;
  options.world.observe = Looks::automatic;
  options.planner.horizon = 24, options.planner.from_prior = 8;
  train.steps = 30000, train.batch = 32, train.length = 9, train.train_ratio = 48, train.lanes = 8,
  train.prefill = 4000;
  train.evaluate_episodes = 20;  // every step of them is planned
  train.online_queue = train.replay_context = train.gauges = false;
  options.fields(system->config);
  parts->costs.fields(system->config, "costs.");
  parts->actor_options.fields(system->config, "actor.");
  parts->teach.fields(system->config, "teach.");
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "LeCun's architecture";
  parts->train = &train;
  const auto spaces = system->make_env()->spaces();
  parts->agent_model = std::make_shared<LecunModel>(options.world, parts->costs, spaces);
  parts->model = parts->agent_model;
  parts->model->set_bfloat16(train.bfloat16 && bfloat16_is_fast(system->device));
  parts->actor = std::make_shared<LecunActor>(parts->model->feature_count(), parts->agent_model->least_costs(),
                                              spaces.action, parts->actor_options, options.planner);
  parts->model->to(system->device), parts->actor->to(system->device);
  system->model = parts->model;
  system->behaviour = system->driver = parts->actor;  // it has its own way to plan, and not to
  parts->learner = lecun_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_interleaved(*system, parts, spec, "Learn: wander, predict, think, imitate", make_lecun);
  return system;
}

}  // namespace dream
