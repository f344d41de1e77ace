#include <map>

#include "api/platform_time.h"
#include "app/cli/bench_rows.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/lanes.h"

namespace dream::cli {
namespace {

constexpr std::int64_t lanes = 16, steps = 64;

struct Model {
  std::string name, what;
  std::vector<std::string> settings;
};

std::vector<Model> models() {
  const std::vector<std::string> v3_23 = {"constants=2023", "size=s"};
  auto small = v3_23;
  for (const char* part : {"world.", "behaviour."}) small.push_back(std::string(part) + "units=256");
  small.insert(small.end(),
               {"world.deter=256", "world.hidden=256", "world.groups=16", "world.classes=16", "world.depth=16"});
  return {{"v3_1m", "Dreamer V3 1m", {"size=1m"}},
          {"v3_12m", "Dreamer V3 12m", {"size=12m"}},
          {"v3_23_s", "Dreamer V3 (2023) S", v3_23},
          {"v3_23_small", "Dreamer V3 (2023), deter 256, 16 × 16", small}};
}

std::unique_ptr<System> make(const Model& model, const std::string& device) {
  RunSpec spec;
  spec.recipe = "dreamer-v3";
  spec.environment = "Catch";  // a choice of actions, a picture of 64 x 64
  spec.device = device;
  spec.settings = model.settings;
  return make_system(spec);
}

/// Random experience: what is in it costs the same as anything else.
SequenceBatch random_batch(const System& system) {
  const auto spaces = system.make_env()->spaces();
  const auto bits = [](double share) { return (torch::rand({steps, lanes}) < share).to(torch::kFloat32); };
  SequenceBatch batch;
  batch.image = torch::randint(0, 255, {steps, lanes, spaces.image_height, spaces.image_width, spaces.image_channels},
                               torch::kUInt8);
  batch.action =
      torch::randint(0, static_cast<std::int64_t>(spaces.action.choices.size()), {steps, lanes, 1}).to(torch::kFloat32);
  batch.reward = torch::randn({steps, lanes});
  batch.terminated = bits(0.01);
  batch.last = batch.terminated.clone();
  batch.first = torch::cat({torch::ones({1, lanes}), batch.last.slice(0, 0, -1)});
  return batch.to(system.device);
}

/// One update as the trainer does it: world model, imagination, behaviour, optimisers.
Row update_row(double seconds, const Model& model, const std::string& device) {
  const auto system = make(model, device);
  auto& parts = *std::static_pointer_cast<DreamerParts>(system->parts);
  auto& learner = *parts.actor_critic;
  auto rng = make_generator(system->device, 1);
  const auto batch = random_batch(*system);
  Optimiser world(parts.model->parameters(), parts.options.world_optimiser);
  Optimiser actor(learner.actor_parameters(), parts.options.actor_optimiser);
  Optimiser critic(learner.critic_parameters(), parts.options.critic_optimiser);
  std::map<std::string, double> spent;
  double before = 0;
  int updates = 0;
  const auto lap = [&](const char* part) {
    const double now = now_seconds();
    spent[part] += now - before;
    before = now;
  };
  const auto value = rate(seconds, [&] {
    before = now_seconds();
    auto learned = parts.model->loss(batch, rng);
    lap("1 world model, forward");
    const auto alive = (1 - batch.terminated).flatten();
    const bool through = parts.options.behaviour.gradient != Gradient::reinforce;
    const auto dreamed = learner.imagine(*parts.model, learned.starts_at({}), through, rng);
    lap("2 imagination");
    auto loss = learner.loss(dreamed, alive, {learned.features, batch.reward, batch.terminated, batch.last}, rng);
    lap("3 behaviour, forward");
    auto total = learned.total + loss.actor + loss.critic;
    if (loss.replay_critic.defined()) total = total + loss.replay_critic;
    total.backward();
    lap("4 backward of both");
    world.step(), actor.step(), critic.step();
    learner.update_target();
    lap("5 optimisers");
    ++updates;
    return static_cast<double>(lanes * steps);
  });
  Row row{model.name + "_update", model.what + ": update, 16 × 64", "frames/s", value};
  for (const auto& [part, time] : spent) row.parts.emplace_back(part, time / updates);
  return row;
}

/// Imagined steps, each decoded into its picture, one lane: what a window shows.
Row dreamer_dream_row(double seconds, const Model& model, const std::string& device) {
  torch::NoGradGuard no_grad;
  const auto system = make(model, device);
  auto rng = make_generator(system->device, 1);
  auto carry = system->model->initial(1);
  const auto value = rate(seconds, [&] {
    constexpr int dreamed = 10;
    for (int i = 0; i < dreamed; ++i) {
      const auto action = system->behaviour->decide({system->model.get(), carry}, {}, Mode::collect, rng).action;
      carry = system->model->imagine(carry, action, {}, rng);
      system->model->predict(carry).frame.sum().item<float>();
    }
    return static_cast<double>(dreamed);
  });
  return {model.name + "_dream", model.what + ": dream + decode", "frames/s", value};
}

}  // namespace

std::vector<Measurement> dreamer_rows(double seconds, const std::string& device) {
  std::vector<Measurement> rows;
  for (const auto& model : models()) {
    rows.push_back({model.name + "_update", [=] { return update_row(seconds, model, device); }});
    rows.push_back({model.name + "_dream", [=] { return dreamer_dream_row(seconds, model, device); }});
  }
  return rows;
}

}  // namespace dream::cli
