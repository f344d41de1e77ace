// What an actor-critic shows of itself.
#include "core/behaviours/actor_critic.h"
#include "core/probe/from_tensor.h"

namespace dream {

std::vector<std::string> ActorCritic::probe_names() const {
  std::vector<std::string> names = {"policy/action", "horizon/value", "horizon/reward", "horizon/continue"};
  if (options_.critic_head != NumberHead::normal) names.emplace_back("horizon/value_bins");
  return names;
}

void ActorCritic::report(const Seen& seen, const Carry&, ProbeSink& sink, at::Generator rng) {
  auto& model = *seen.model;
  const auto lane = select_lane(seen.carry, 0);
  if (sink.wants("policy/action")) {
    const auto output = actor_(model.features(lane)).to(torch::kFloat32);
    Vector bars;
    if (policy_.discrete()) {
      bars.values = floats(policy_.probabilities(output)[0]);
      bars.labels = choices_;
    } else {
      // As the environment takes them: squashed, cut and scaled, which has no closed form for every head.
      const auto actions = policy_.to_environment(policy_.sample(output.expand({256, -1}), rng));
      bars.values = floats(actions.mean(0));
      bars.mean = bars.values;
      bars.deviation = floats(actions.std(0, false));
      bars.labels = choices_;
    }
    sink.put("policy/action", "Policy",
             policy_.discrete()
                 ? "π(a | z, h): the probability of every action"
                 : "π(a | z, h): mean ± deviation of every axis as the environment takes it, of 256 samples",
             std::move(bars));
  }
  if (sink.wants("horizon/value_bins") && options_.critic_head != NumberHead::normal) {
    sink.put("horizon/value_bins", "Value in bins",
             "Two-hot: how likely the critic takes each bin to be, over symlog(R); the value is the mean",
             two_hot_.curve(critic_.net(model.features(lane))[0]));
  }
  const char* names[] = {"horizon/value", "horizon/reward", "horizon/continue"};
  if (!sink.wants(names[0]) && !sink.wants(names[1]) && !sink.wants(names[2])) return;
  // The critic's and the heads' forecast along one dream from here.
  std::vector<torch::Tensor> features, rewards, going_on;
  Carry state = lane;
  for (std::int64_t t = 0; t <= options_.horizon; ++t) {
    const auto outcome = model.outcome(state);
    features.push_back(model.features(state));
    rewards.push_back(outcome.reward);
    going_on.push_back(outcome.done.defined() ? 1 - outcome.done : torch::ones_like(outcome.reward));
    if (t == options_.horizon) break;
    const auto action = policy_.sample(actor_(features.back()).to(torch::kFloat32), rng);
    state = model.imagine(state, policy_.to_environment(action), {}, rng);
  }
  const auto values = value(torch::cat(features)), reward = torch::cat(rewards),
             live = torch::cat(going_on) * options_.discount;
  const auto steps = values.size(0);
  const auto lambda = torch::full({steps - 1}, options_.lambda, values.options());
  const auto returns =
      lambda_return(reward.slice(0, 1), live.slice(0, 1), values.slice(0, 1), lambda, values[steps - 1]);
  const auto doubles = [](const torch::Tensor& x) {
    const auto f = floats(x);
    return std::vector<double>(f.begin(), f.end());
  };
  const auto curve = [&](const char* unit, std::vector<Line> lines) {
    Curve c;
    for (std::int64_t t = 0; t < steps; ++t) c.x.push_back(static_cast<double>(t));
    c.lines = std::move(lines);
    c.x_unit = "imagined steps";
    c.y_unit = unit;
    return c;
  };
  if (sink.wants(names[0])) {
    sink.put(names[0], "Value and λ-return",
             "v(s_t) of the critic, and the λ-return of the same dream, which it is trained towards",
             curve("reward", {{"value", doubles(values)}, {"λ-return", doubles(returns)}}));
  }
  if (sink.wants(names[1]))
    sink.put(names[1], "Reward ahead", "r_t along one dream of the policy from here",
             curve("reward", {{"reward", doubles(reward)}}));
  if (sink.wants(names[2]))
    sink.put(names[2], "Continue ahead", "P(the episode goes on) along one dream from here",
             curve("probability", {{"continue", doubles(torch::cat(going_on))}}));
}

}  // namespace dream
