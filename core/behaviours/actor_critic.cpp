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
  const bool two_hot = options.critic_head != NumberHead::normal;
  const auto out = two_hot ? options.bins : 1;
  if (two_hot) two_hot_ = TwoHot(TwoHot::kind_of(options.critic_head), options.bins, torch::kCPU);
  actor_ = register_module("actor", Mlp(features, options.actor_layers, options.units, style, policy_.output_size(),
                                        options.actor_out_scale));
  critic_ = register_module("critic", Mlp(features, options.critic_layers, options.units, style, out, two_hot ? 0 : 1));
  slow_critic_ =
      register_module("slow_critic", Mlp(features, options.critic_layers, options.units, style, out, two_hot ? 0 : 1));
  return_range_ = register_buffer("return_range", torch::zeros({2}));
  updates_ = register_buffer("updates", torch::zeros({1}, torch::kInt64));
  torch::NoGradGuard no_grad;
  const auto from = critic_->parameters(), to = slow_critic_->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
  for (auto p : to) p.requires_grad_(false);
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
  std::vector<torch::Tensor> features, actions, rewards, going_on;
  Carry carry = starts;
  for (std::int64_t step = 0; step <= options_.horizon; ++step) {
    const auto seen = model.features(carry);
    const auto outcome = model.outcome(carry);
    const auto action = policy_.sample(actor_(seen.detach()).to(torch::kFloat32), rng);
    features.push_back(seen);
    actions.push_back(action);
    rewards.push_back(outcome.reward);
    going_on.push_back(outcome.done.defined() ? 1 - outcome.done : torch::ones_like(outcome.reward));
    if (step < options_.horizon) {
      carry = model.imagine(carry, policy_.discrete() ? action : policy_.to_environment(action), {}, rng);
    }
  }
  const auto from = options_.include_start ? 0 : 1;
  const auto all = [&](const std::vector<torch::Tensor>& parts) { return torch::stack(parts).slice(0, from); };
  return {all(features), all(actions), all(rewards), all(going_on)};
}

/// γ·P(going on); V2 takes the truth about the start state from the replay.
torch::Tensor ActorCritic::live_of(const Dreamed& dreamed, const torch::Tensor& start_alive) const {
  auto live = dreamed.going_on * options_.discount;
  if (options_.indexing == Indexing::arrived || !options_.include_start) return live;
  return torch::cat({(start_alive * options_.discount).unsqueeze(0), live.slice(0, 1)});
}

double ActorCritic::return_scale(const torch::Tensor& returns) {
  if (!options_.normalise_returns) return 1;
  const auto sorted = std::get<0>(returns.detach().flatten().sort());
  const auto at = [&](double share) {  // linear between the neighbours
    const double position = share * static_cast<double>(sorted.numel() - 1);
    const auto low = static_cast<std::int64_t>(position);
    const auto high = std::min(low + 1, sorted.numel() - 1);
    return torch::lerp(sorted[low], sorted[high], position - static_cast<double>(low));
  };
  torch::NoGradGuard no_grad;
  return_range_.lerp_(torch::stack({at(0.05), at(0.95)}), 0.01);
  return std::max(1.0, (return_range_[1] - return_range_[0]).item<double>());
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
  const auto output = critic_(replayed.features);
  const auto boot = imagined.view_as(replayed.reward);
  const auto keep = (1 - replayed.last).slice(0, 0, -1);
  const auto lambda = (1 - replayed.last).slice(0, 1) * options_.lambda;
  const auto live = (1 - replayed.terminated).slice(0, 1) * options_.discount;
  const auto returns = lambda_return(replayed.reward.slice(0, 1), live, boot.slice(0, 1), lambda, boot[-1]).detach();
  const auto learned = output.slice(0, 0, -1);
  auto loss = value_loss(learned, returns);
  if (options_.target == SlowCritic::average) {
    loss = loss + value_loss(learned, mean_value(slow_critic_(replayed.features.detach())).slice(0, 0, -1));
  }
  return (keep * loss).mean();
}

ActorCritic::Loss ActorCritic::loss(const Dreamed& dreamed, const torch::Tensor& start_alive, const Replayed& replayed,
                                    at::Generator rng) {
  const auto states = dreamed.features.size(0);
  const bool arrived = options_.indexing == Indexing::arrived, through = options_.gradient != Gradient::reinforce;
  const auto seen = dreamed.features.detach();
  const auto device = seen.device();
  Autocast autocast(bfloat16_, device);

  // Values: of the critic itself, or of its copy where there is one. For gradients through the dynamics they follow
  // the states, with the critic's weights held fixed.
  torch::Tensor output, value, slow;
  {
    const bool copy = options_.target == SlowCritic::copy;
    if (through) {
      const Frozen frozen(copy ? *slow_critic_ : *critic_);
      value = mean_value((copy ? slow_critic_ : critic_)(dreamed.features));
    }
    output = critic_(seen);
    if (!through) value = copy ? mean_value(slow_critic_(seen)) : mean_value(output).detach();
    if (options_.target == SlowCritic::average) slow = mean_value(slow_critic_(seen)).detach();
  }
  const auto live = live_of(dreamed, start_alive);
  const auto lambda = torch::full_like(live.slice(0, 1), options_.lambda);
  const auto returns = arrived ? lambda_return(dreamed.reward.slice(0, 1), live.slice(0, 1), value.slice(0, 1), lambda,
                                               value[states - 1])
                               : lambda_return(dreamed.reward.slice(0, 0, -1), live.slice(0, 0, -1), value.slice(0, 1),
                                               lambda, value[states - 1]);

  // How likely it is to get that far. V3 counts the state's own continuation, V1 and V2 those before it.
  torch::Tensor weight;
  {
    torch::NoGradGuard no_grad;
    const auto before = torch::cat({torch::ones_like(live.slice(0, 0, 1)), live.slice(0, 0, -1)});
    weight = arrived ? torch::cumprod(live, 0) / (options_.continue_discounts ? 1 : options_.discount)
                     : torch::cumprod(before, 0);
  }
  Loss loss;
  loss.returns = returns.detach();
  const double scale = return_scale(returns);

  // V2 sets the action of state t against the return of the state after it, as its returns count the state's own
  // reward. V1 has no start state: every action that led to a state is in its return.
  const bool shifted = !arrived && (options_.include_start || options_.gradient != Gradient::dynamics);
  const auto actor_states = shifted ? states - 2 : states - 1;
  const auto target = shifted ? returns.slice(0, 1) : returns;
  const auto advantage = (target.detach() - value.detach().slice(0, 0, actor_states)) / scale;
  const auto policy_output = actor_(seen.slice(0, 0, actor_states)).to(torch::kFloat32);
  const auto entropy = policy_.entropy(policy_output, rng);
  auto objective = options_.entropy * entropy;
  if (options_.gradient != Gradient::dynamics) {
    const auto chosen = dreamed.action.detach().slice(0, 0, actor_states);
    objective = objective + options_.reinforce_share * policy_.log_prob(policy_output, chosen) * advantage;
  }
  if (through) {
    // V3 of 2023 climbs the advantage, baseline and all; V1 and V2 the return.
    const auto gain = options_.normalise_returns ? (target - value.slice(0, 0, actor_states)) / scale : target;
    objective = objective + (options_.gradient == Gradient::dynamics ? 1.0 : 1 - options_.reinforce_share) * gain;
  }
  loss.actor = -(weight.slice(0, 0, actor_states) * objective).mean();

  const auto learned = output.slice(0, 0, states - 1);
  auto critic = value_loss(learned, returns.detach());
  if (slow.defined()) critic = critic + value_loss(learned, slow.slice(0, 0, states - 1));
  loss.critic = (weight.slice(0, 0, states - 1) * critic).mean();

  if (options_.replay_critic > 0 && replayed.features.defined()) {
    loss.replay_critic = options_.replay_critic * replay_loss(replayed, loss.returns[0]);
    loss.terms.emplace_back("replay_critic", loss.replay_critic.detach());
  }
  loss.terms.emplace_back("actor", loss.actor.detach());
  loss.terms.emplace_back("critic", loss.critic.detach());
  loss.terms.emplace_back("entropy", entropy.detach().mean());
  loss.terms.emplace_back("return", loss.returns.mean());
  loss.terms.emplace_back("value", value.detach().mean());
  return loss;
}

void ActorCritic::update_target() {
  torch::NoGradGuard no_grad;
  const auto before = updates_.item<std::int64_t>();
  updates_ += 1;
  if (options_.target == SlowCritic::none) return;
  const bool copy = options_.target == SlowCritic::copy;
  if (copy && before % options_.target_every != 0) return;  // after the first update, and so on
  const auto from = critic_->parameters(), to = slow_critic_->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) to[i].lerp_(from[i], copy ? 1.0 : options_.target_share);
}

}  // namespace dream
