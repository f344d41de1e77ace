#include <memory>

#include "app/cli/bench_rows.h"
#include "core/behaviours/decision_transformer.h"
#include "core/behaviours/tree_policy.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/models/muzero_model.h"
#include "core/nn/generator.h"
#include "core/nn/precision.h"

namespace dream::cli {
namespace {

Spaces shapes(std::int64_t states, std::int64_t axes, std::int64_t choices) {
  Spaces spaces;
  for (std::int64_t i = 0; i < states; ++i) spaces.vector_names.push_back("x" + std::to_string(i));
  for (std::int64_t i = 0; i < std::max<std::int64_t>(axes, 1); ++i) {
    spaces.action.axes.push_back("a" + std::to_string(i));
    spaces.action.low.push_back(axes > 0 ? -1 : 0), spaces.action.high.push_back(axes > 0 ? 1 : static_cast<float>(choices - 1));
    spaces.action.idle.push_back(0);
  }
  for (std::int64_t i = 0; i < choices; ++i) spaces.action.choices.push_back("c" + std::to_string(i));
  return spaces;
}

// -- TD-MPC2 5M on walker's shapes ----------------------------------------------------------------------------------

struct Td {
  TdMpcRunOptions options;
  std::shared_ptr<TdMpc> model;
  std::shared_ptr<TdPolicy> policy;
  std::shared_ptr<Planner> planner;
};

Td td_5m(const torch::Device& device) {
  Td td;
  td.options.size = TdSize::s_5m;
  set_published(td.options, "td-mpc2", 6, 500);
  td.options.world.view.on = false;
  const auto spaces = shapes(24, 6, 0);
  auto behaviour = td.options.behaviour;
  behaviour.bins = td.options.world.bins, behaviour.limit = td.options.world.limit;
  behaviour.discount = td_discount(500);
  torch::manual_seed(1);
  td.model = std::make_shared<TdMpc>(td.options.world, spaces);
  td.policy = std::make_shared<TdPolicy>(td.model->feature_count(), spaces.action, behaviour);
  td.planner = std::make_shared<Planner>(spaces.action, td.options.planner, td.policy);
  td.model->to(device), td.planner->to(device);
  const bool bfloat16 = td.options.train.bfloat16 && bfloat16_is_fast(device);
  td.model->set_bfloat16(bfloat16), td.policy->set_bfloat16(bfloat16);
  return td;
}

/// One update as td_mpc_learner makes it: 256 pieces of four frames.
Row td_update(double seconds, const torch::Device& device) {
  auto td = td_5m(device);
  constexpr std::int64_t frames = 4, lanes = 256;
  SequenceBatch batch;
  batch.vector = torch::randn({frames, lanes, 24}), batch.action = torch::rand({frames, lanes, 6}) * 2 - 1;
  batch.reward = torch::randn({frames, lanes});
  batch.terminated = torch::zeros({frames, lanes}), batch.last = batch.terminated, batch.first = batch.terminated;
  batch = batch.to(device);
  const bool bfloat16 = td.options.train.bfloat16 && bfloat16_is_fast(device);
  auto rest = td.model->other_parameters();
  for (const auto& p : td.policy->q_parameters()) rest.push_back(p);
  Optimiser encoder(td.model->encoder_parameters(), td_adam(1e-4, 1e-8, 0)), others(rest, td_adam(3e-4, 1e-8, 0)),
      policy(td.policy->policy_parameters(), td_adam(3e-4, 1e-5, 20));
  auto rng = make_generator(device, 1);
  std::int64_t number = 0;
  const auto value = rate(seconds, [&] {
    const auto narrowed = [&](auto make) {
      const Autocast autocast(bfloat16, device);
      return make();
    };
    const auto loss = narrowed([&] { return td_model_loss(*td.model, *td.policy, batch, td.options.loss, {}, rng); });
    loss.total.backward();
    auto all = rest;
    for (const auto& p : td.model->encoder_parameters()) all.push_back(p);
    clip_together(all, 20);
    encoder.step(), others.step();
    narrowed([&] { return td_policy_loss(*td.policy, loss, td.options.loss, {}, rng); }).total.backward();
    policy.step();
    td.policy->update_target(++number);
    return 1.0;
  });
  return {"td_mpc2_update", "TD-MPC2 5M, update of 256 × 3 (24 numbers, 6 axes)", "updates/s", value};
}

/// A plan of 512 × 3 × 6, as it drives: one lane.
Row td_plan(double seconds, const torch::Device& device) {
  torch::NoGradGuard no_grad;
  auto td = td_5m(device);
  auto rng = make_generator(device, 1);
  auto carry = td.model->observe(td.model->initial(1), torch::zeros({1, 6}), {{}, torch::randn({1, 24}, device)}, rng);
  auto memory = td.planner->initial(1);
  const auto value = rate(seconds, [&] {
    auto decision = td.planner->decide({td.model.get(), carry}, memory, Mode::judge, rng);
    memory = std::move(decision.memory);
    return 1.0;
  });
  return {"td_mpc2_plan", "TD-MPC2 5M, plan of 512 × 3 × 6, one lane", "plans/s", value};
}

// -- MuZero as muzero-general has it for CartPole ---------------------------------------------------------------------

Row muzero_moves(double seconds, const torch::Device& device, std::int64_t lanes) {
  torch::NoGradGuard no_grad;
  const auto spaces = shapes(4, 0, 2);
  MuzeroOptions world;
  world.state = 8, world.layers = 1, world.units = 16, world.support = 10, world.ends = world.view.on = false;
  TreePolicyOptions options;
  options.layers = 1, options.units = 16, options.support = 10, options.search.simulations = 50;
  torch::manual_seed(1);
  MuzeroModel model(world, spaces);
  TreePolicy policy(8, spaces.action, options);
  model.to(device), policy.to(device);
  auto rng = make_generator(device, 1);
  const auto seen = torch::randn({lanes, 4}, device);
  const auto value = rate(seconds, [&] {
    const auto carry = model.observe(model.initial(lanes), torch::zeros({lanes, 1}, device), {{}, seen}, rng);
    policy.decide({&model, carry}, {}, Mode::collect, rng);
    return static_cast<double>(lanes);
  });
  return {"muzero_moves_" + std::to_string(lanes), "MuZero, CartPole's nets, 50 simulations, " + std::to_string(lanes) + (lanes == 1 ? " lane" : " lanes"),
          "moves/s", value};
}

// -- the Decision Transformer at hopper's size -----------------------------------------------------------------------

Row dt_update(double seconds, const torch::Device& device) {
  const auto spaces = shapes(11, 3, 0);
  torch::manual_seed(1);
  DecisionTransformer behaviour({}, spaces);
  behaviour.to(device);
  constexpr std::int64_t lanes = 64, steps = 20;
  const DecisionTransformer::Window window{torch::randn({lanes, steps}, device), torch::randn({lanes, steps, 11}, device),
                                           torch::rand({lanes, steps, 3}, device) * 2 - 1,
                                           torch::arange(steps, torch::TensorOptions(device).dtype(torch::kInt64)).expand({lanes, steps}).contiguous(),
                                           torch::ones({lanes, steps}, device)};
  Optimiser optimiser(behaviour.parameters(), {.kind = OptimiserKind::adam, .learning_rate = 1e-4, .eps = 1e-8, .weight_decay = 1e-4,
                                               .clip_norm = 0.25, .adaptive_clip = 0, .warm_up = 0});
  behaviour.train();
  const auto value = rate(seconds, [&] {
    torch::Tensor loss;
    {
      const Autocast autocast(bfloat16_is_fast(device), device);
      loss = behaviour.loss(window);
    }
    loss.backward();
    optimiser.step();
    return 1.0;
  });
  return {"dt_update", "Decision Transformer, hopper's size, update of 64 × 20", "updates/s", value};
}

}  // namespace

std::vector<Measurement> planning_rows(double seconds, const std::string& name) {
  const torch::Device device(name);
  return {{"td_mpc2_update", [=] { return td_update(seconds, device); }},
          {"td_mpc2_plan", [=] { return td_plan(seconds, device); }},
          {"muzero_moves_1", [=] { return muzero_moves(seconds, device, 1); }},
          {"muzero_moves_32", [=] { return muzero_moves(seconds, device, 32); }},
          {"dt_update", [=] { return dt_update(seconds, device); }}};
}

}  // namespace dream::cli
