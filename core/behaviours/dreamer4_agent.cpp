#include "core/behaviours/dreamer4_agent.h"

#include "core/behaviours/actor_critic.h"
#include "core/behaviours/pmpo.h"
#include "core/probe/from_tensor.h"

namespace dream {

void Dreamer4AgentOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "discount", discount, {.help = "Weight of a reward a step later", .low = 0, .high = 1, .live = true, .title = "discount γ"});
  config.add(prefix + "lambda", lambda, {.help = "Share of longer returns in a target", .low = 0, .high = 1, .live = true, .title = "λ"});
  config.add(prefix + "alpha", alpha,
             {.help = "What the actions that did better than expected weigh; the others weigh 1 − α", .low = 0, .high = 1, .live = true, .title = "α"});
  config.add(prefix + "beta", beta,
             {.help = "Pull towards the policy that did as the data did", .low = 0, .high = 100, .live = true, .title = "β"});
  config.add(prefix + "unimix", unimix, {.help = "Share of the uniform in the policy over choices", .low = 0.0001, .high = 0.5});
}

Dreamer4Agent::Dreamer4Agent(std::int64_t features, const ActionSpace& space, const Dreamer4AgentOptions& options)
    : options_(options),
      head_(space, BoxPolicy::normal, options.unimix),
      two_hot_(TwoHot::Kind::symexp, options.bins, torch::kCPU),
      names_(space.discrete() ? space.choices : space.axes) {
  const LayerStyle style;
  const auto net = [&](std::int64_t out, double scale) { return Mlp(features, options.layers, options.units, style, out, scale); };
  policy_ = register_module("policy", net(options.ahead * head_.output_size(), 0.01));
  prior_ = register_module("prior", net(options.ahead * head_.output_size(), 0.01));
  value_ = register_module("value", net(options.bins, 0));
  for (auto& parameter : prior_->parameters()) parameter.requires_grad_(false);
  keep_clone();
}

void Dreamer4Agent::keep_clone() {
  torch::NoGradGuard no_grad;
  const auto from = policy_->parameters(), to = prior_->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
}

torch::Tensor Dreamer4Agent::output_of(Mlp& policy, const torch::Tensor& features) const {
  return policy->forward(features).slice(-1, 0, head_.output_size()).to(torch::kFloat32);
}

torch::Tensor Dreamer4Agent::sample(const torch::Tensor& features, at::Generator rng) {
  return head_.sample(output_of(policy_, features), std::move(rng));
}

Decision Dreamer4Agent::decide(const Seen& seen, const Carry&, Mode mode, at::Generator rng) {
  const auto output = output_of(policy_, seen.features());
  return {head_.to_environment(mode == Mode::judge ? head_.mode(output, rng) : head_.sample(output, rng))};
}

torch::Tensor Dreamer4Agent::clone_loss(const torch::Tensor& features, const torch::Tensor& actions) {
  const auto outputs = policy_(features).to(torch::kFloat32).unflatten(-1, {options_.ahead, head_.output_size()});
  return -head_.log_prob(outputs, actions);
}

Dreamer4Agent::Loss Dreamer4Agent::loss(const Dreamed& dreamed) {
  const auto steps = dreamed.reward.size(0);
  const auto logits = value_(dreamed.features);
  torch::Tensor value, returns, weight;
  {
    torch::NoGradGuard no_grad;
    value = two_hot_.mean(logits);  // [H + 1, N]
    const auto live = options_.discount * dreamed.going_on, lambda = torch::full_like(live, options_.lambda);
    returns = lambda_return(dreamed.reward, live, value.slice(0, 1), lambda, value[steps]);
    weight = torch::cumprod(torch::cat({dreamed.alive.unsqueeze(0), dreamed.going_on.slice(0, 0, -1)}), 0);
  }
  const auto advantage = returns - value.slice(0, 0, steps);
  const auto acting = dreamed.features.slice(0, 0, steps);
  const auto output = output_of(policy_, acting);
  const auto divergence = policy_divergence(head_, output, output_of(prior_, acting));
  Loss loss;
  loss.policy = pmpo_loss(head_.log_prob(output, dreamed.action), advantage, divergence, weight, options_.alpha, options_.beta);
  loss.value = (weight * two_hot_.loss(logits.slice(0, 0, steps), returns)).sum() / weight.sum().clamp_min(1e-6);
  loss.returns = returns.mean();
  loss.better = (advantage >= 0).to(torch::kFloat32).mean();
  loss.divergence = divergence.detach().mean();
  return loss;
}

void Dreamer4Agent::report(const Seen& seen, const Carry&, ProbeSink& sink, at::Generator rng) {
  const auto show = [&](const std::string& name, const std::string& title, const std::string& caption, Mlp& policy) {
    if (!sink.wants(name)) return;
    const auto output = output_of(policy, seen.features().slice(0, 0, 1));
    Vector bars;
    bars.labels = names_;
    if (head_.discrete()) {
      bars.values = floats(head_.probabilities(output)[0]);
    } else {
      const auto actions = head_.to_environment(head_.sample(output.expand({256, -1}), rng));
      bars.values = bars.mean = floats(actions.mean(0));
      bars.deviation = floats(actions.std(0, false));
    }
    sink.put(name, title, caption, std::move(bars));
  };
  show("policy/action", "Policy", "π(a | agent token): how likely every choice is, or mean ± deviation of every axis, of 256 samples", policy_);
  show("policy/clone", "Prior", "The same of the policy that did as the data did, before it learned in imagination", prior_);
}

}  // namespace dream
