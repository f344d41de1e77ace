#include "api/error.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/env/registry.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

std::unique_ptr<System> make_td(const RunSpec& spec, const std::string& title) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<TdMpcParts>();
  auto& options = parts->options;
  options.world.first = options.behaviour.first = spec.recipe == "td-mpc";
  const auto world = make_env(spec.environment)->spaces();
  apply_sized_settings(*system, spec, options, [&](auto& published) {
    set_published(published, spec.recipe, static_cast<std::int64_t>(world.action.axes.size()),
                  (world.max_episode_steps + options.repeat - 1) / options.repeat);
  });

  begin_interleaved(*system, *parts, spec, options.seed, options.repeat);
  system->title = title;
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  // The behaviour's settings with what follows from others.
  const auto behaviour = [p = parts.get(), length = spaces.max_episode_steps] {
    auto settled = p->options.behaviour;
    settled.bins = p->options.world.bins, settled.limit = p->options.world.limit;
    if (settled.discount == 0) settled.discount = td_discount(length);
    return settled;
  };
  parts->model = std::make_shared<TdMpc>(options.world, spaces);
  parts->policy = std::make_shared<TdPolicy>(parts->model->feature_count(), spaces.action, behaviour());
  parts->planner = std::make_shared<Planner>(spaces.action, options.planner, parts->policy);
  parts->model->to(system->device);
  parts->planner->to(system->device);
  parts->bfloat16 = options.train.bfloat16 && bfloat16_is_fast(system->device);
  parts->model->set_bfloat16(parts->bfloat16);
  parts->policy->set_bfloat16(parts->bfloat16);
  system->model = parts->model;
  system->behaviour = parts->planner;
  parts->learner = td_mpc_learner(*parts);
  system->follow_settings = [p = parts.get(), behaviour] {
    p->policy->live_options() = behaviour();
    p->planner->live_options() = p->options.planner;
  };
  complete_interleaved(*system, parts, spec, "Learn: collect, model and values, policy",
                       [title](const RunSpec& same) { return make_td(same, title); });
  system->follow_settings();
  return system;
}

}  // namespace

std::unique_ptr<System> make_td_mpc2(const RunSpec& spec) {
  return make_td(spec, "TD-MPC2");
}
std::unique_ptr<System> make_td_mpc(const RunSpec& spec) {
  return make_td(spec, "TD-MPC");
}

}  // namespace dream
