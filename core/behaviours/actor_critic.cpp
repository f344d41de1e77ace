#include "core/behaviours/actor_critic.h"

#include <cmath>
#include <numbers>

#include "api/error.h"
#include "core/nn/precision.h"
#include "core/nn/shape.h"

namespace dream {
namespace {

/// While it lives, gradients pass through a module and none are kept for its weights.
class Frozen {
 public:
  explicit Frozen(torch::nn::Module& module) {
    for (auto& p : module.parameters()) {
      if (!p.requires_grad()) continue;
      p.requires_grad_(false);
      parameters_.push_back(p);
    }
  }
  ~Frozen() {
    for (auto& p : parameters_) p.requires_grad_(true);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  std::vector<torch::Tensor> parameters_;
};

}  // namespace

torch::Tensor lambda_return(const torch::Tensor& reward, const torch::Tensor& live, const torch::Tensor& value,
                            const torch::Tensor& lambda, const torch::Tensor& last) {
  const auto interim = reward + live * (1 - lambda) * value, carried = live * lambda;
  std::vector<torch::Tensor> returns(static_cast<std::size_t>(reward.size(0)));
  auto next = last;
  for (auto t = reward.size(0) - 1; t >= 0; --t) {
    next = interim[t] + carried[t] * next;
    returns[static_cast<std::size_t>(t)] = next;
  }
  return torch::stack(returns);
}

ActorCritic::ActorCritic(std::int64_t features, const ActionSpace& space, const ActorCriticOptions& options)
    : options_(options),
      policy_(space, options.continuous, options.unimix),
      choices_(space.discrete() ? space.choices : space.axes) {
  const LayerStyle style{options.act, options.norm, options.eps, options.bias_with_norm, options.init};
  if (options.critic_head != NumberHead::normal)
    two_hot_ = TwoHot(TwoHot::kind_of(options.critic_head), options.bins, torch::kCPU);
  actor_ = register_module("actor", Mlp(features, options.actor_layers, options.units, style, policy_.output_size(),
                                        options.actor_out_scale));
  critic_ = make_critic("", features);
  updates_ = register_buffer("updates", torch::zeros({1}, torch::kInt64));
}

ActorCritic::Critic ActorCritic::make_critic(const std::string& prefix, std::int64_t features) {
  const LayerStyle style{options_.act, options_.norm, options_.eps, options_.bias_with_norm, options_.init};
  const bool two_hot = options_.critic_head != NumberHead::normal;
  const auto net = [&] {
    return Mlp(features, options_.critic_layers, options_.units, style, two_hot ? options_.bins : 1, two_hot ? 0 : 1);
  };
  Critic critic;
  critic.net = register_module(prefix + "critic", net());
  critic.slow = register_module("slow_" + prefix + "critic", net());
  critic.range = register_buffer(prefix + "return_range", torch::zeros({2}));
  follow(critic, true);
  for (auto p : critic.slow->parameters()) p.requires_grad_(false);
  critics_.push_back(critic);
  return critic;
}

Decision ActorCritic::decide(const Seen& seen, const Carry&, Mode mode, at::Generator rng) {
  const auto output = actor_(seen.features()).to(torch::kFloat32);
  if (mode == Mode::judge && !options_.sample_to_evaluate) return {policy_.to_environment(policy_.mode(output, rng))};
  auto action = policy_.sample(output, rng);
  if (mode == Mode::judge) return {policy_.to_environment(action)};
  if (const double noise = options_.exploration_noise; noise > 0) {
    if (policy_.discrete()) {
      const auto random = torch::rand({action.size(0), 1}, rng, action.options()) < noise;
      const auto any = torch::randint(action.size(1), {action.size(0)}, rng, action.options().dtype(torch::kInt64));
      action = torch::where(random, torch::one_hot(any, action.size(1)).to(action.dtype()), action);
    } else {
      action = action + noise * torch::randn(action.sizes(), rng, action.options());
    }
  }
  return {policy_.to_environment(action)};
}

torch::Tensor ActorCritic::mean_value(const torch::Tensor& output) const {
  return options_.critic_head == NumberHead::normal ? output.to(torch::kFloat32).squeeze(-1) : two_hot_.mean(output);
}

/// The negative log-likelihood of `target` [...].
torch::Tensor ActorCritic::value_loss(const torch::Tensor& output, const torch::Tensor& target) const {
  if (options_.critic_head != NumberHead::normal) return two_hot_.loss(output, target);
  return 0.5 * (output.to(torch::kFloat32).squeeze(-1) - target).square() + 0.5 * std::log(2 * std::numbers::pi);
}

ActorCritic::Dreamed ActorCritic::imagine(WorldModel& model, const Carry& starts, bool gradients, at::Generator rng) {
  const torch::AutoGradMode mode(gradients);
  std::vector<torch::Tensor> features, actions, rewards, going_on, costs;
  Carry carry = starts;
  for (std::int64_t step = 0; step <= options_.horizon; ++step) {
    const auto seen = model.features(carry);
    const auto outcome = model.outcome(carry);
    const auto action = policy_.sample(actor_(seen.detach()).to(torch::kFloat32), rng);
    features.push_back(seen);
    actions.push_back(action);
    rewards.push_back(outcome.reward);
    if (outcome.cost.defined()) costs.push_back(outcome.cost);
    going_on.push_back(outcome.done.defined() ? 1 - outcome.done : torch::ones_like(outcome.reward));
    if (step < options_.horizon) {
      carry = model.imagine(carry, policy_.discrete() ? action : policy_.to_environment(action), {}, rng);
    }
  }
  const auto from = options_.include_start ? 0 : 1;
  const auto all = [&](const std::vector<torch::Tensor>& parts) { return torch::stack(parts).slice(0, from); };
  return {all(features), all(actions), all(rewards), all(going_on), costs.empty() ? torch::Tensor{} : all(costs)};
}

/// γ·P(going on); V2 takes the truth about the start state from the replay.
torch::Tensor ActorCritic::live_of(const Dreamed& dreamed, const torch::Tensor& start_alive) const {
  auto live = dreamed.going_on * options_.discount;
  if (options_.indexing == Indexing::arrived || !options_.include_start) return live;
  return torch::cat({(start_alive * options_.discount).unsqueeze(0), live.slice(0, 1)});
}

double ActorCritic::return_scale(Critic& critic, const torch::Tensor& returns) const {
  if (!options_.normalise_returns) return 1;
  const auto sorted = std::get<0>(returns.detach().flatten().sort());
  const auto at = [&](double share) {  // linear between the neighbours
    const double position = share * static_cast<double>(sorted.numel() - 1);
    const auto low = static_cast<std::int64_t>(position);
    const auto high = std::min(low + 1, sorted.numel() - 1);
    return torch::lerp(sorted[low], sorted[high], position - static_cast<double>(low));
  };
  torch::NoGradGuard no_grad;
  critic.range.lerp_(torch::stack({at(0.05), at(0.95)}), 0.01);
  return std::max(1.0, (critic.range[1] - critic.range[0]).item<double>());
}

ActorCritic::Loss ActorCritic::learn(WorldModel& model, const Carry& starts, const torch::Tensor& start_alive,
                                     const Replayed& replayed, at::Generator rng) {
  if (options_.gradient == Gradient::reinforce) {
    return loss(imagine(model, starts, false, rng), start_alive, replayed, rng);
  }
  const Frozen frozen(model);
  return loss(imagine(model, starts, true, rng), start_alive, replayed, rng);
}

/// Rewards that really came, bootstrapped from what imagination returned at each state, `imagined` [T·B]
/// (danijar/dreamerv3, repl_loss).
torch::Tensor ActorCritic::replay_loss(const Replayed& replayed, const torch::Tensor& imagined) {
  const auto output = critic_.net(replayed.features);
  const auto boot = imagined.view_as(replayed.reward);
  const auto keep = (1 - replayed.last).slice(0, 0, -1);
  const auto lambda = (1 - replayed.last).slice(0, 1) * options_.lambda;
  const auto live = (1 - replayed.terminated).slice(0, 1) * options_.discount;
  const auto returns = lambda_return(replayed.reward.slice(0, 1), live, boot.slice(0, 1), lambda, boot[-1]).detach();
  const auto learned = output.slice(0, 0, -1);
  auto loss = value_loss(learned, returns);
  if (options_.target == SlowCritic::average) {
    loss = loss + value_loss(learned, mean_value(critic_.slow(replayed.features.detach())).slice(0, 0, -1));
  }
  return (keep * loss).mean();
}

ActorCritic::Stretch ActorCritic::stretch_of(const Dreamed& dreamed, const torch::Tensor& start_alive) const {
  const bool arrived = options_.indexing == Indexing::arrived;
  const bool shifted = !arrived && (options_.include_start || options_.gradient != Gradient::dynamics);
  const auto live = live_of(dreamed, start_alive);
  // V3 counts the state's own continuation, V1 and V2 those before it.
  torch::NoGradGuard no_grad;
  const auto before = torch::cat({torch::ones_like(live.slice(0, 0, 1)), live.slice(0, 0, -1)});
  const auto weight = arrived ? torch::cumprod(live, 0) / (options_.continue_discounts ? 1 : options_.discount)
                              : torch::cumprod(before, 0);
  return {dreamed, live, weight, shifted, dreamed.features.size(0) - (shifted ? 2 : 1)};
}

ActorCritic::Judged ActorCritic::judge(Critic& critic, const torch::Tensor& received, const Stretch& stretch) {
  const auto& features = stretch.dreamed.features;
  const auto seen = features.detach();
  const auto states = features.size(0);
  const bool copy = options_.target == SlowCritic::copy;
  Judged judged;
  // Values: of the critic itself, or of its copy where there is one. For gradients through the dynamics they follow
  // the states, with the critic's weights held fixed.
  auto& value = judged.value;
  if (through_dynamics()) {
    auto& net = copy ? critic.slow : critic.net;
    const Frozen frozen(*net);
    value = mean_value(net(features));
  }
  judged.output = critic.net(seen);
  if (!through_dynamics()) value = copy ? mean_value(critic.slow(seen)) : mean_value(judged.output).detach();
  if (options_.target == SlowCritic::average) judged.slow = mean_value(critic.slow(seen)).detach();

  const auto& live = stretch.live;
  const auto lambda = torch::full_like(live.slice(0, 1), options_.lambda);
  judged.returns = options_.indexing == Indexing::arrived
                       ? lambda_return(received.slice(0, 1), live.slice(0, 1), value.slice(0, 1), lambda,
                                       value[states - 1])
                       : lambda_return(received.slice(0, 0, -1), live.slice(0, 0, -1), value.slice(0, 1), lambda,
                                       value[states - 1]);
  judged.scale = return_scale(critic, judged.returns);
  return judged;
}

torch::Tensor ActorCritic::critic_loss(const Judged& judged, const Stretch& stretch) const {
  const auto last = stretch.weight.size(0) - 1;
  const auto learned = judged.output.slice(0, 0, last);
  auto loss = value_loss(learned, judged.returns.detach());
  if (judged.slow.defined()) loss = loss + value_loss(learned, judged.slow.slice(0, 0, last));
  return (stretch.weight.slice(0, 0, last) * loss).mean();
}

ActorCritic::Aim ActorCritic::aim_at(const Judged& judged, const Stretch& stretch) const {
  const auto target = stretch.shifted ? judged.returns.slice(0, 1) : judged.returns;
  const auto value = stretch.of_acting(judged.value);
  // Through the dynamics V3 of 2023 climbs the advantage, baseline and all; V1 and V2 the return.
  return {(target.detach() - value.detach()) / judged.scale,
          options_.normalise_returns ? (target - value) / judged.scale : target};
}

ActorCritic::Loss ActorCritic::loss(const Dreamed& dreamed, const torch::Tensor& start_alive, const Replayed& replayed,
                                    at::Generator rng) {
  Autocast autocast(bfloat16_, dreamed.features.device());
  const auto stretch = stretch_of(dreamed, start_alive);
  const auto rewards = judge(critic_, dreamed.reward, stretch);
  Loss loss;
  loss.returns = rewards.returns.detach();
  loss.critic = critic_loss(rewards, stretch);
  loss.terms.emplace_back("critic", loss.critic.detach());

  const auto aim = this->aim(stretch, rewards, loss);
  const auto policy_output = actor_(stretch.of_acting(dreamed.features.detach())).to(torch::kFloat32);
  const auto entropy = policy_.entropy(policy_output, rng);
  auto objective = options_.entropy * entropy;
  if (options_.gradient != Gradient::dynamics) {
    const auto chosen = stretch.of_acting(dreamed.action.detach());
    objective = objective + options_.reinforce_share * policy_.log_prob(policy_output, chosen) * aim.advantage;
  }
  if (through_dynamics())
    objective = objective + (options_.gradient == Gradient::dynamics ? 1.0 : 1 - options_.reinforce_share) * aim.gain;
  loss.actor = -(stretch.of_acting(stretch.weight) * objective).mean();
  if (aim.penalty.defined()) loss.actor = loss.actor + aim.penalty;

  if (options_.replay_critic > 0 && replayed.features.defined()) {
    loss.replay_critic = options_.replay_critic * replay_loss(replayed, loss.returns[0]);
    loss.terms.emplace_back("replay_critic", loss.replay_critic.detach());
  }
  loss.terms.emplace_back("actor", loss.actor.detach());
  loss.terms.emplace_back("entropy", entropy.detach().mean());
  loss.terms.emplace_back("return", loss.returns.mean());
  loss.terms.emplace_back("value", rewards.value.detach().mean());
  return loss;
}

void ActorCritic::follow(const Critic& critic, bool copy) const {
  torch::NoGradGuard no_grad;
  const auto from = critic.net->parameters(), to = critic.slow->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) to[i].lerp_(from[i], copy ? 1.0 : options_.target_share);
}

void ActorCritic::update_target() {
  const auto before = updates_.item<std::int64_t>();
  updates_ += 1;
  if (options_.target == SlowCritic::none) return;
  const bool copy = options_.target == SlowCritic::copy;
  if (copy && before % options_.target_every != 0) return;  // after the first update, and so on
  for (const auto& critic : critics_) follow(critic, copy);
}

}  // namespace dream
