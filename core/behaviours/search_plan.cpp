// How each method looks for a plan.
#include <cmath>

#include "api/error.h"
#include "core/behaviours/planner.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

// Choices: what every one keeps of its probability, so that none is given up for good.
constexpr double least_probability = 0.02;

/// Noise whose power falls as f^-β over the last dimension but one, of variance 1: [..., H, A] (Timmer & König 1995).
torch::Tensor coloured(at::IntArrayRef sizes, double exponent, at::Generator rng, const torch::TensorOptions& like) {
  const auto steps = sizes[sizes.size() - 2];
  if (exponent == 0 || steps < 2) return torch::randn(sizes, rng, like);
  auto scale = torch::arange(steps / 2 + 1, like) / static_cast<double>(steps);
  scale.select(0, 0).fill_(1.0 / static_cast<double>(steps));  // the mean is as strong as the slowest wave
  scale = scale.pow(-exponent / 2);
  // What each frequency adds to the variance: a wave has two halves; the first and, of an even length, the last have one.
  auto share = 4 * scale.square();
  share.select(0, 0).div_(4);
  if (steps % 2 == 0) share.select(0, -1).div_(4);
  const auto deviation = share.sum().sqrt() / static_cast<double>(steps);
  auto shape = sizes.vec();
  shape[shape.size() - 2] = steps / 2 + 1;
  auto imaginary = torch::randn(shape, rng, like);
  imaginary.select(-2, 0).zero_();
  if (steps % 2 == 0) imaginary.select(-2, -1).zero_();
  const auto waves = torch::complex(torch::randn(shape, rng, like), imaginary) * scale.unsqueeze(-1);
  return torch::fft_irfft(waves, steps, -2) / deviation;
}

torch::Tensor one_hot_of(const torch::Tensor& index, std::int64_t choices) {
  return torch::one_hot(index, choices).to(torch::kFloat32);
}

}  // namespace

torch::Tensor Planner::sample(const Plan& guess, std::int64_t count, at::Generator rng,
                              const torch::Tensor& noise) const {
  auto sizes = guess.mean.sizes().vec();
  sizes.insert(sizes.begin() + 1, count);
  const auto like = guess.mean.options();
  if (space_.discrete()) {
    // The largest of log p + Gumbel noise is drawn with probability p.
    const auto gumbel = -(-torch::rand(sizes, rng, like).clamp_min(1e-20).log()).clamp_min(1e-20).log();
    return one_hot_of((guess.mean.log().unsqueeze(1) + gumbel).argmax(-1), guess.mean.size(-1));
  }
  if (options_.method == PlanMethod::shooting && !noise.defined()) return torch::rand(sizes, rng, like) * 2 - 1;
  const auto drawn = noise.defined()                        ? noise
                     : options_.method == PlanMethod::icem ? coloured(sizes, options_.noise_exponent, rng, like)
                                                           : torch::randn(sizes, rng, like);
  return (guess.mean.unsqueeze(1) + guess.deviation.unsqueeze(1) * drawn).clamp(-1, 1);
}

torch::Tensor Planner::score(const Seen& seen, const torch::Tensor& candidates, at::Generator rng, Carry* ends) {
  auto& model = *seen.model;
  const auto lanes = candidates.size(0), count = candidates.size(1), steps = candidates.size(2);
  // A choice with a gradient stays as it is; what the environment takes has none.
  const auto flat = candidates.reshape({lanes * count, steps, candidates.size(3)});
  const auto actions = flat.requires_grad() && space_.discrete() ? flat : to_environment(flat);
  Carry state;
  for (const auto& [name, tensor] : model.initial(1)) state[name] = seen.carry.at(name).repeat_interleave(count, 0);
  const bool limited = options_.method == PlanMethod::osrp;
  torch::Tensor total, alive, spent, dear;  // dear: costs, discounted as rewards are
  double weight = 1;
  for (std::int64_t t = 0; t < steps; ++t, weight *= discount()) {
    state = model.imagine(state, actions.select(1, t), {}, rng);
    const auto outcome = model.outcome(state);
    const auto reward = weight * (alive.defined() ? alive * outcome.reward : outcome.reward);
    total = total.defined() ? total + reward : reward;
    if (limited) {
      if (!outcome.cost.defined()) throw Error("this model predicts no costs to keep below a limit: plan by another method");
      const auto cost = alive.defined() ? alive * outcome.cost : outcome.cost;
      spent = spent.defined() ? spent + cost : cost;
      dear = dear.defined() ? dear + weight * cost : cost;
    }
    if (outcome.done.defined()) alive = alive.defined() ? alive * (1 - outcome.done) : 1 - outcome.done;
  }
  if (prior_) {
    if (const auto worth = prior_->value({&model, state}); worth.defined())
      total = total + weight * (alive.defined() ? alive * worth : worth);
    if (const auto owing = limited ? prior_->expected_cost({&model, state}) : torch::Tensor{}; owing.defined())
      dear = dear + weight * (alive.defined() ? alive * owing : owing);
  }
  if (limited) total = total - options_.cost_weight * dear;
  if (ends) *ends = state;
  total = total.view({lanes, count});
  return limited ? ranked(total, spent.view({lanes, count}), steps, value_of(seen.knobs, cost_limit())) : total;
}

torch::Tensor Planner::ranked(const torch::Tensor& returns, const torch::Tensor& costs, std::int64_t steps, double limit) const {
  const auto scaled = costs * (static_cast<double>(options_.cost_steps) / static_cast<double>(steps));
  const auto safe = scaled < limit;
  const auto enough = safe.sum(1, true) >= std::min(options_.elites, returns.size(1));
  const auto behind = returns.amin(1, true) - 1 - scaled;  // those that are not safe, whatever they promise
  return torch::where(enough, torch::where(safe, returns, behind), -scaled);
}

/// What the prior would do, [B, P, H, A]: it decides by what it imagines, trying things.
torch::Tensor Planner::proposals(const Seen& seen, std::int64_t steps, at::Generator rng) {
  auto& model = *seen.model;
  const auto lanes = seen.lanes(), count = options_.from_prior;
  Carry state;
  for (const auto& [name, tensor] : model.initial(1)) state[name] = seen.carry.at(name).repeat_interleave(count, 0);
  auto memory = prior_->initial(lanes * count);
  std::vector<torch::Tensor> actions;
  for (std::int64_t t = 0; t < steps; ++t) {
    auto decision = prior_->decide({&model, state}, memory, Mode::collect, rng);
    memory = std::move(decision.memory);
    actions.push_back(input_(decision.action));
    if (t + 1 < steps) state = model.imagine(state, decision.action, {}, rng);
  }
  return torch::stack(actions, 1).view({lanes, count, steps, input_.size()});
}

/// The next guess, from the best candidates of this round.
void Planner::refit(Plan& plan, std::int64_t elites) const {
  const auto mppi = options_.method == PlanMethod::mppi;
  auto [best, index] = plan.scores.topk(std::min(elites, plan.scores.size(1)), 1);
  plan.elites = index;
  const auto shape = std::vector<std::int64_t>{index.size(0), index.size(1), 1, 1};
  const auto of_elites =
      plan.candidates.gather(1, index.view(shape).expand({-1, -1, plan.mean.size(1), plan.mean.size(2)}));
  auto weights = torch::ones_like(best);
  if (mppi) weights = (options_.temperature * (best - best.amax(1, true))).exp();
  weights = (weights / weights.sum(1, true)).view(shape);
  auto mean = (weights * of_elites).sum(1);
  if (space_.discrete()) {
    const auto choices = static_cast<double>(mean.size(-1));
    mean = (1 - least_probability) * mean + least_probability / choices;
  } else {
    const auto variance = (weights * (of_elites - mean.unsqueeze(1)).square()).sum(1);
    auto deviation = (mppi ? variance : variance + 1e-6).sqrt();
    deviation = (1 - options_.momentum) * deviation + options_.momentum * plan.deviation;
    plan.deviation = deviation.clamp(options_.least_deviation, options_.first_deviation);
  }
  plan.mean = (1 - options_.momentum) * mean + options_.momentum * plan.mean;
}

/// Several guesses go uphill by Adam (Kingma & Ba 2015) through the model's own gradient; the best of them is the plan.
void Planner::climb(Plan& plan, const Seen& seen, const Budget& budget, at::Generator rng) {
  auto sizes = plan.mean.sizes().vec();
  sizes.insert(sizes.begin() + 1, budget.candidates);
  const auto noise = torch::randn(sizes, rng, plan.mean.options());
  const auto around = plan.mean.unsqueeze(1);
  auto free = space_.discrete() ? around.log() + noise
                                : (around.clamp(-0.98, 0.98) + options_.first_deviation * noise).clamp(-0.98, 0.98).atanh();
  // The first guess is among them.
  free.select(1, 0).copy_(space_.discrete() ? plan.mean.log() : plan.mean.clamp(-0.98, 0.98).atanh());
  const auto actions_of = [&](const torch::Tensor& values) {
    if (!space_.discrete()) return values.tanh();
    const auto probabilities = values.softmax(-1);
    const auto chosen = one_hot_of(values.argmax(-1), values.size(-1));
    return chosen + probabilities - probabilities.detach();  // straight through
  };
  constexpr double first_moment = 0.9, second_moment = 0.999;
  auto mean = torch::zeros_like(free), square = torch::zeros_like(free);
  for (std::int64_t round = 1; round <= budget.rounds; ++round) {
    torch::Tensor slope;
    {
      torch::AutoGradMode with_gradient(true);
      free = free.detach().requires_grad_();
      const auto scores = score(seen, actions_of(free), rng);
      if (!scores.requires_grad()) throw Error("no gradient passes through this model's dream: plan by another method");
      slope = torch::autograd::grad({scores.sum()}, {free}, {}, false, false, true)[0];
    }
    if (!slope.defined()) throw Error("no gradient passes through this model's dream: plan by another method");
    mean = first_moment * mean + (1 - first_moment) * slope;
    square = second_moment * square + (1 - second_moment) * slope.square();
    const auto unbiased = mean / (1 - std::pow(first_moment, static_cast<double>(round)));
    const auto size = (square / (1 - std::pow(second_moment, static_cast<double>(round)))).sqrt();
    free = free.detach() + options_.learning_rate * unbiased / (size + 1e-8);
  }
  plan.candidates = actions_of(free.detach());
  plan.scores = score(seen, plan.candidates, rng);
  refit(plan, budget.elites);
}

/// What is done: the mean; the best sequence, where the method keeps to one; an elite drawn by its weight.
void Planner::choose(Plan& plan, at::Generator rng) const {
  const auto single = options_.method != PlanMethod::cem && options_.method != PlanMethod::mppi &&
                      options_.method != PlanMethod::osrp;
  if (!single && !options_.draw) {
    plan.best = plan.mean;
    return;
  }
  auto which = plan.elites.slice(1, 0, 1);
  if (options_.draw && !single) {
    const auto returns = plan.scores.gather(1, plan.elites);
    const auto weights = (options_.temperature * (returns - returns.amax(1, true))).softmax(1);
    which = plan.elites.gather(1, torch::multinomial(weights, 1, true, rng));
  }
  plan.best = plan.candidates
                  .gather(1, which.view({-1, 1, 1, 1}).expand({-1, 1, plan.mean.size(1), plan.mean.size(2)}))
                  .squeeze(1);
}

Planner::Plan Planner::plan(const Seen& seen, const torch::Tensor& mean, at::Generator rng, const torch::Tensor& noise,
                            const torch::Tensor& kept) {
  torch::NoGradGuard no_grad;
  const NarrowedOnce narrowed;
  if (!seen.model) throw Error("nothing is planned without a model");
  if (!seen.model->outcome(seen.carry).reward.defined())
    throw Error("this model predicts no reward, so no plan is better than another");
  const auto budget = this->budget(seen.knobs);
  const auto lanes = seen.lanes();
  const auto like = torch::TensorOptions(seen.carry.begin()->second.device()).dtype(torch::kFloat32);
  Plan plan;
  plan.mean = (mean.defined() ? mean : first_guess(lanes, budget.horizon)).to(like.device());
  if (!space_.discrete()) plan.deviation = torch::full_like(plan.mean, options_.first_deviation);
  if (options_.method == PlanMethod::gradient) {
    climb(plan, seen, budget, rng);
    choose(plan, rng);
    return plan;
  }
  const auto icem = options_.method == PlanMethod::icem;
  const auto rounds = options_.method == PlanMethod::shooting ? 1 : budget.rounds;
  auto stay = icem && kept.defined() ? kept.to(like.device()) : torch::Tensor{};
  const auto proposed = prior_ && options_.from_prior > 0 ? proposals(seen, budget.horizon, rng) : torch::Tensor{};
  auto count = budget.candidates;
  for (std::int64_t i = 0; i < rounds; ++i) {
    std::vector<torch::Tensor> all;
    if (proposed.defined()) all.push_back(proposed);
    all.push_back(sample(plan, count, rng, noise.defined() ? noise[i] : torch::Tensor{}));
    if (stay.defined()) all.push_back(stay);
    if (icem && i + 1 == rounds && !space_.discrete()) all.push_back(plan.mean.unsqueeze(1));
    plan.candidates = all.size() == 1 ? all[0] : torch::cat(all, 1);
    plan.scores = score(seen, plan.candidates, rng);
    refit(plan, budget.elites);
    if (icem) {
      const auto keep = std::max<std::int64_t>(
          1, static_cast<std::int64_t>(options_.keep * static_cast<double>(plan.elites.size(1))));
      const auto index = plan.elites.slice(1, 0, keep).view({lanes, keep, 1, 1});
      stay = plan.candidates.gather(1, index.expand({-1, -1, plan.mean.size(1), plan.mean.size(2)}));
      count = std::max(2 * budget.elites, static_cast<std::int64_t>(static_cast<double>(count) / options_.decay));
    }
  }
  choose(plan, rng);
  return plan;
}

}  // namespace dream
