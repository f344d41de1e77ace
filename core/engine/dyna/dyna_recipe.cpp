#include "core/engine/dyna/dyna.h"
#include "core/engine/seed_field.h"

namespace dream {
namespace {

std::unique_ptr<System> make_dyna(const RunSpec& spec, bool bonus) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<DynaParts>();
  auto& train = parts->collecting;
  // One step, one update, one world. What the table knows is all that there is to replay.
  train.lanes = 1, train.prefill = 1, train.train_ratio = 1;
  train.online_queue = train.replay_context = train.gauges = train.bfloat16 = false;
  train.steps = 6000;
  train.evaluate_episodes = 10;
  parts->options.bonus = bonus;
  seed_field(system->config, parts->seed_setting);
  parts->options.fields(system->config, "dyna.");
  train.fields(system->config, "train.");
  system->config.take_as_default();
  apply_settings(system->config, spec);
  if (train.lanes != 1 || train.train_ratio != 1 || train.prefill != 1)
    throw Error("tabular Dyna plans after every single step: train.lanes, train.prefill and train.train_ratio are 1");

  begin_interleaved(*system, *parts, spec, parts->seed_setting);
  system->vary = {"dyna.planning_steps", {0, 1, 5, 10, 50}};  // figure 8.2 of Sutton & Barto
  system->title = bonus ? "Dyna-Q+" : "Dyna-Q";
  parts->train = &train;
  const auto spaces = system->make_env()->spaces();
  system->model = parts->model = std::make_shared<TableModel>(spaces);
  system->behaviour = parts->policy = std::make_shared<TablePolicy>(spaces.states, spaces.state_columns, spaces.action);
  parts->learner = dyna_learner(*parts);
  complete_interleaved(*system, parts, spec, "Learn: step, Q, table, plan",
                       [bonus](const RunSpec& same) { return make_dyna(same, bonus); });
  return system;
}

}  // namespace

std::unique_ptr<System> make_dyna_q(const RunSpec& spec) {
  return make_dyna(spec, false);
}

std::unique_ptr<System> make_dyna_q_plus(const RunSpec& spec) {
  return make_dyna(spec, true);
}

}  // namespace dream
