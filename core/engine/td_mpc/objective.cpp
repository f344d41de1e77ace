#include "core/engine/td_mpc/objective.h"

#include <cmath>

#include "api/error.h"

namespace dream {

OptimiserOptions td_adam(double learning_rate, double eps, double clip_norm) {
  OptimiserOptions adam;
  adam.kind = OptimiserKind::adam;
  adam.learning_rate = learning_rate, adam.eps = eps, adam.clip_norm = clip_norm;
  adam.adaptive_clip = 0, adam.warm_up = 0;
  adam.measure = clip_norm > 0;
  return adam;
}

double clip_together(const std::vector<torch::Tensor>& parameters, double limit) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> norms;
  for (const auto& p : parameters)
    if (p.grad().defined()) norms.push_back(p.grad().norm());
  const double norm = torch::stack(norms).norm().item<double>();
  const bool finite = std::isfinite(norm);
  for (auto p : parameters) {
    if (!finite) p.mutable_grad() = torch::Tensor();
    if (finite && norm > limit && p.grad().defined()) p.mutable_grad().mul_(limit / norm);
  }
  if (!finite)
    throw Error(
        "the gradient is not finite. Nothing was changed: resume from the last checkpoint with a smaller learning "
        "rate");
  return norm;
}

void TdLossOptions::fields(Config& config, const std::string& prefix, bool first) {
  const auto weight = [&](const char* name, double& target, const char* help) {
    config.add(prefix + name, target, {.help = help, .low = 0, .high = 1000, .logarithmic = true, .live = true});
  };
  weight("consistency", consistency, "Weight of what the dynamics expect against what was seen");
  weight("reward", reward, "Weight of the reward's loss");
  weight("value", value, "Weight of the Q-functions' loss");
  if (!first) weight("termination", termination, "Weight of the loss of an episode's end");
  config.add(prefix + "rho", rho,
             {.help = "ρ: what each imagined step weighs of the one before", .low = 0, .high = 1, .live = true});
}

SequenceBatch with_past_pictures(const SequenceBatch& batch, std::int64_t past) {
  if (past == 0) return batch;
  const auto rest = [&](const torch::Tensor& x) { return x.defined() ? x.slice(0, past) : x; };
  SequenceBatch piece{{}, rest(batch.vector), rest(batch.action), rest(batch.reward), rest(batch.terminated), rest(batch.last), rest(batch.first)};
  const auto whole = batch.reward.options().dtype(torch::kInt64);
  const auto time = torch::arange(batch.steps(), whole).unsqueeze(-1);                             // [T, 1]
  const auto began = std::get<0>((batch.first.to(torch::kInt64) * time).cummax(0)).slice(0, past);  // [T - past, B]
  const auto lane = torch::arange(batch.lanes(), whole);
  std::vector<torch::Tensor> pictures;
  for (auto back = past; back >= 0; --back)
    pictures.push_back(batch.image.index({torch::maximum(time.slice(0, past) - back, began), lane}));
  piece.image = torch::cat(pictures, -1);
  return piece;
}

TdModelLoss td_model_loss(TdMpc& model, TdPolicy& policy, const SequenceBatch& batch, const TdLossOptions& options,
                          const TdGiven& given, at::Generator rng) {
  const auto horizon = batch.steps() - 1;
  const bool first = model.options().first;
  const auto action = model.action_input()(batch.action.slice(0, 1)), reward = batch.reward.slice(0, 1),
             terminated = batch.terminated.slice(0, 1);
  const auto observation = [&](std::int64_t from, std::int64_t to) {
    const auto of = [&](const torch::Tensor& x) { return x.defined() ? x.slice(0, from, to) : x; };
    return Observation{of(batch.image), of(batch.vector)};
  };
  TdModelLoss loss;
  const auto within = torch::cumprod(1 - batch.first.slice(0, 1), 0);  // [H, B]
  // Of a piece that begins with an episode's last frame nothing counts.
  loss.valid = torch::cat({within.slice(0, 0, 1), within});

  // What comes next, and what it is worth.
  torch::Tensor next, expected;
  {
    torch::NoGradGuard no_grad;
    const auto later = observation(1, horizon + 1);
    next = model.encode(later, rng);
    expected = first ? model.encode_slowly(later, rng) : next;
    const auto noise = given.target_noise.defined() ? given.target_noise : policy.noise_for(next, rng);
    const auto pair = given.target_pair.defined() ? given.target_pair : policy.pair(rng);
    loss.target = policy.target(next, reward, terminated, noise, pair);
  }

  // Imagination from the first frame under the actions that were taken.
  std::vector<torch::Tensor> states{model.encode(observation(0, 1), rng)[0]};
  for (std::int64_t t = 0; t < horizon; ++t) states.push_back(model.next(states.back(), action[t]));
  const auto z = torch::stack(states);  // [H + 1, B, L]
  const auto from = z.slice(0, 0, horizon), to = z.slice(0, 1);

  const auto chance = given.dropout ? std::optional<at::Generator>(rng) : std::nullopt;
  const auto logits = policy.q_logits(from, action, TdPolicy::Weights::online, chance);  // [E, H, B, bins]
  const auto weights = torch::pow(options.rho, torch::arange(horizon, reward.options()));
  const auto over_steps = [&](const torch::Tensor& each) {  // [H, B] -> scalar
    return (weights * mean_of_valid(each, within)).mean();
  };
  // A task's embedding, where z ends with one, is none of the dynamics' business.
  const auto latent = model.options().latent;
  const auto consistency = over_steps((to - expected).slice(-1, 0, latent).square().mean(-1));
  const auto rewards = over_steps(model.reward_loss(model.reward_logits(from, action), reward));
  const auto each_q = policy.q_loss(logits, loss.target);
  const auto value = over_steps(first ? each_q.sum(0) : each_q.mean(0));
  loss.total = options.consistency * consistency + options.reward * rewards + options.value * value;
  loss.terms = {{"consistency", consistency.detach()}, {"reward", rewards.detach()}, {"value", value.detach()}};
  if (model.options().episodic) {
    const auto each =
        torch::binary_cross_entropy_with_logits(model.termination_logit(to), terminated, {}, {}, at::Reduction::None);
    const auto ends = mean_of_valid(each.flatten(), within.flatten());
    loss.total = loss.total + options.termination * ends;
    loss.terms.emplace_back("termination", ends.detach());
  }
  loss.z = z.detach().to(torch::kFloat32);
  loss.seen = torch::cat({loss.z.slice(0, 0, 1), next.to(torch::kFloat32)});
  return loss;
}

TdPolicy::Loss td_policy_loss(TdPolicy& policy, const TdModelLoss& model, const TdLossOptions& options,
                              const TdGiven& given, at::Generator rng) {
  const auto noise = given.policy_noise.defined() ? given.policy_noise : policy.noise_for(model.z, rng);
  const auto pair = given.policy_pair.defined() ? given.policy_pair : policy.pair(rng);
  return policy.loss(model.z, model.valid, options.rho, noise, pair,
                     given.dropout ? std::optional<at::Generator>(rng) : std::nullopt);
}

}  // namespace dream
