#include <algorithm>
#include <cmath>

#include "core/engine/muzero/muzero.h"
#include "core/engine/priorities.h"

namespace dream {
namespace {

constexpr double state_gradient = 0.5;  // what each imagined step lets through (appendix G)

/// The networks that EfficientZero compares imagined and seen states by (SimSiam; Chen & He 2021).
struct ProjectorImpl : torch::nn::Module {
  ProjectorImpl(std::int64_t state, std::int64_t units)
      : project(register_module("project", Mlp(state, 1, units, LayerStyle{.norm = Norm::layer}, units))),
        foretell(register_module("foretell", Mlp(units, 1, units / 2, LayerStyle{.norm = Norm::layer}, units))) {}
  /// 1 − cosine, [B]; no gradient reaches what was seen.
  torch::Tensor distance(const torch::Tensor& imagined, const torch::Tensor& seen) {
    torch::Tensor goal;
    {
      torch::NoGradGuard no_grad;
      goal = project->forward(seen.detach());
    }
    return 1 - torch::cosine_similarity(foretell->forward(project->forward(imagined)), goal, -1, 1e-6);
  }
  Mlp project, foretell;
};
TORCH_MODULE(Projector);

class MuzeroLearner : public Learner {
 public:
  explicit MuzeroLearner(MuzeroParts& parts)
      : parts_(parts),
        projector_(parts.options.world.state, parts.options.world.units),
        optimiser_(all_parameters(), parts.options.optimiser),
        priorities_(parts.options.priority, parts.options.correction) {
    projector_->to(parts.system->device);
    if (!parts.model->viewer().is_empty())
      viewer_ = std::make_unique<ViewingTrainer>(parts.model->viewer(), parts.options.world.view);
    refresh();
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override;
  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch); }
  Needs needs() const override { return {parts_.model->sees_image(), !parts_.model->sees_image()}; }
  std::int64_t least_steps() const override { return parts_.options.unroll + parts_.options.td_steps + 1; }
  std::vector<Metrics::Spec> curves() const override;

  void follow_settings() override {
    const auto& options = parts_.options;
    optimiser_.options() = options.optimiser;
    auto& search = parts_.policy->live_options();
    search = options.search;
    // Ever surer of itself: a half of the temperature after half of the steps, a quarter after three quarters (appendix D).
    if (!options.cool || options.train.train_ratio <= 0) return;
    const double made = static_cast<double>(parts_.updates) * frames_per_update() / options.train.train_ratio;
    const double share = made / static_cast<double>(options.train.steps);
    search.temperature *= share < 0.5 ? 1 : share < 0.75 ? 0.5 : 0.25;
  }

  void save(Checkpoint& into, const std::string& prefix) const override {
    optimiser_.save(into, prefix + "optimiser/");
    store_module(into, prefix + "projector", *projector_);
    store_module(into, prefix + "slow_model", *parts_.slow_model);
    store_module(into, prefix + "slow_policy", *parts_.slow_policy);
    if (viewer_) viewer_->save(into, prefix + "viewer/");
    priorities_.save(into, prefix + "priorities/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    optimiser_.load(from, prefix + "optimiser/");
    load_module(from, prefix + "projector", *projector_);
    load_module(from, prefix + "slow_model", *parts_.slow_model);
    load_module(from, prefix + "slow_policy", *parts_.slow_policy);
    if (viewer_) viewer_->load(from, prefix + "viewer/");
    priorities_.load(from, prefix + "priorities/");
  }

 private:
  struct Targets {
    torch::Tensor policy, has_policy;  // [K + 1, B, A], [K + 1, B]
    torch::Tensor value;               // [K + 1, B]
    double improvement = 0;            // KL(search ‖ policy) of what was reanalysed, nats
  };
  std::vector<torch::Tensor> all_parameters() const {
    auto all = parts_.model->learned();
    for (const auto* module : {static_cast<const torch::nn::Module*>(parts_.policy.get()),
                               static_cast<const torch::nn::Module*>(projector_.get())}) {
      for (const auto& parameter : module->parameters()) all.push_back(parameter);
    }
    return all;
  }
  /// The network that reanalyses is the one that learns, as it is now.
  void refresh() {
    Checkpoint now;
    store_module(now, "model", *parts_.model);
    store_module(now, "policy", *parts_.policy);
    load_module(now, "model", *parts_.slow_model);
    load_module(now, "policy", *parts_.slow_policy);
  }
  Targets targets(const SequenceBatch& batch, const torch::Tensor& alive, at::Generator rng);

  MuzeroParts& parts_;
  Projector projector_;
  Optimiser optimiser_;
  Priorities priorities_;
  std::unique_ptr<ViewingTrainer> viewer_;
};

/// Of one moment of a batch, all lanes; and of all its moments, flattened.
Observation moment_of(const SequenceBatch& batch, std::int64_t t) {
  return {batch.image.defined() ? batch.image[t] : batch.image, batch.vector.defined() ? batch.vector[t] : batch.vector};
}

MuzeroLearner::Targets MuzeroLearner::targets(const SequenceBatch& batch, const torch::Tensor& alive, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto& options = parts_.options;
  const auto frames = batch.steps(), lanes = batch.lanes(), unroll = options.unroll;
  const auto choices = static_cast<std::int64_t>(parts_.slow_policy->policy_logits(torch::zeros({1, options.world.state}, batch.reward.options())).size(1));
  // What the searches left that chose these actions. Frame t's search stands beside the action that led to t + 1.
  auto policy = torch::zeros({frames, lanes, choices}, batch.reward.options());
  auto has_policy = torch::zeros({frames, lanes}, batch.reward.options());
  auto value = torch::zeros({frames, lanes}, batch.reward.options());
  auto has_value = torch::zeros({frames, lanes}, batch.reward.options());
  if (const auto visits = batch.extra.find("visits"); visits != batch.extra.end() && visits->second.size(2) == choices) {
    const auto left = visits->second.slice(0, 1);
    policy.slice(0, 0, frames - 1).copy_(left);
    const auto there = (left.sum(-1) > 0.5).to(torch::kFloat32) * (1 - batch.first.slice(0, 1));
    has_policy.slice(0, 0, frames - 1).copy_(there);
    if (!options.fresh_values) {
      has_value.slice(0, 0, frames - 1).copy_(there);
      value.slice(0, 0, frames - 1).copy_(batch.extra.at("search_value").slice(0, 1).squeeze(-1));
    }
  }
  Targets targets;
  // Reanalyse: of some lanes the first K + 1 moments are searched anew, and those n steps later where values are not fresh.
  const auto again = static_cast<std::int64_t>(std::ceil(options.reanalyse * static_cast<double>(lanes)));
  const auto simulations = options.search.search.simulations;
  if (again > 0 && simulations > 0) {
    std::vector<std::int64_t> asked;
    for (std::int64_t t = 0; t < frames; ++t)
      if (t <= unroll || (t >= options.td_steps && !options.fresh_values)) asked.push_back(t);
    const auto which = torch::tensor(asked, torch::kInt64).to(value.device());
    const auto of = [&](const torch::Tensor& x) {
      return x.defined() ? x.slice(1, 0, again).index_select(0, which).flatten(0, 1) : x;
    };
    const auto some = parts_.slow_model->represent({of(batch.image), of(batch.vector)});
    auto carry = parts_.slow_model->initial(some.size(0));
    carry["s"] = some;
    const auto trees = parts_.slow_policy->search({parts_.slow_model.get(), carry}, simulations, false, rng);
    auto fresh = torch::empty({some.size(0), choices}), worth = torch::empty({some.size(0)});
    for (std::size_t i = 0; i < trees.size(); ++i) {
      const auto improved = trees[i].improved();
      for (std::size_t a = 0; a < improved.size(); ++a)
        fresh.data_ptr<float>()[i * improved.size() + a] = static_cast<float>(improved[a]);
      worth.data_ptr<float>()[i] = static_cast<float>(trees[i].value());
    }
    fresh = fresh.to(policy.device());
    const auto before = parts_.slow_policy->policy_logits(some).log_softmax(-1);
    targets.improvement = (fresh * ((fresh + 1e-8).log() - before)).sum(-1).mean().item<double>();
    const auto rows = which.size(0);
    policy.slice(1, 0, again).index_copy_(0, which, fresh.view({rows, again, choices}));
    has_policy.slice(1, 0, again).index_fill_(0, which, 1);
    value.slice(1, 0, again).index_copy_(0, which, worth.to(value.device()).view({rows, again}));
    has_value.slice(1, 0, again).index_fill_(0, which, 1);
  }
  // Elsewhere the slow network says what a state is worth: n steps later, and where an episode ends sooner.
  auto ends_in = torch::cat({alive.slice(0, 0, -1) - alive.slice(0, 1), torch::zeros_like(alive.slice(0, 0, 1))});  // [T, B]
  ends_in.slice(0, options.td_steps).fill_(1);
  const auto unknown = ((has_value == 0) & (alive * ends_in > 0)).nonzero();  // [N, 2]
  if (unknown.size(0) > 0) {
    const auto t = unknown.select(1, 0), lane = unknown.select(1, 1);
    const auto of = [&](const torch::Tensor& x) { return x.defined() ? x.index({t, lane}) : x; };
    const auto states = parts_.slow_model->represent({of(batch.image), of(batch.vector)});
    value.index_put_({t, lane}, parts_.slow_policy->support().mean(parts_.slow_policy->value_logits(states)));
  }
  targets.policy = policy.slice(0, 0, unroll + 1);
  targets.has_policy = has_policy.slice(0, 0, unroll + 1);
  targets.value = n_step_values(batch.reward, value, batch.terminated, alive, unroll, options.td_steps,
                                options.search.search.discount);
  return targets;
}

void MuzeroLearner::update(Feed& feed, std::int64_t number, at::Generator rng) {
  const auto& options = parts_.options;
  const auto unroll = options.unroll;
  const auto length = unroll + options.td_steps + 1;
  const auto drawn = priorities_.draw(feed.replay(), options.train.batch, rng);
  const auto batch = feed.at(drawn.begins, length, parts_.model->sees_image());
  const auto counts = drawn.weights.to(batch.reward.device());
  // Within the episode that the first frame is of.
  const auto alive = torch::cat({torch::ones_like(batch.first.slice(0, 0, 1)), (1 - batch.first.slice(0, 1)).cumprod(0)});
  const auto wanted = targets(batch, alive, rng);
  auto& model = *parts_.model;
  auto& policy = *parts_.policy;

  auto state = model.represent(moment_of(batch, 0));
  torch::Tensor policy_loss, value_loss, reward_loss, end_loss, consistency_loss;
  std::vector<torch::Tensor> states{state.detach()};
  const auto add = [](torch::Tensor& to, const torch::Tensor& term) { to = to.defined() ? to + term : term; };
  torch::Tensor value_error_near, value_error_far;
  for (std::int64_t k = 0; k <= unroll; ++k) {
    const auto weight = counts * (k == 0 ? 1 : 1.0 / static_cast<double>(unroll));
    // After an episode's end nothing is to be learned; at its last state no action was chosen.
    const auto here = alive[k], acts = here * wanted.has_policy[k] * (1 - batch.terminated[k]);
    const auto logits = policy.policy_logits(state), values = policy.value_logits(state);
    add(policy_loss, (weight * -(wanted.policy[k] * logits.log_softmax(-1)).sum(-1) * acts).mean());
    add(value_loss, (weight * policy.support().loss(values, wanted.value[k]) * here).mean());
    if (k == 0 || k == unroll) {
      torch::NoGradGuard no_grad;
      auto& error = k == 0 ? value_error_near : value_error_far;
      const auto off = (policy.support().mean(values) - wanted.value[k]).abs() * here;
      error = off.sum() / here.sum().clamp_min(1);
      if (k == 0) priorities_.set(off);
    }
    if (k == unroll) break;
    const auto next = model.step(state, batch.action[k + 1]);
    const auto there = alive[k + 1], each = counts * there / static_cast<double>(unroll);
    add(reward_loss, (model.support().loss(next.reward, batch.reward[k + 1]) * each).mean());
    if (next.end.defined())
      add(end_loss, (torch::binary_cross_entropy_with_logits(next.end, batch.terminated[k + 1], {}, {}, at::Reduction::None) * each).mean());
    if (options.consistency > 0)
      add(consistency_loss, (projector_->distance(next.state, model.represent(moment_of(batch, k + 1))) * each).mean());
    state = state_gradient * next.state + (1 - state_gradient) * next.state.detach();
    states.push_back(next.state.detach());
  }
  auto total = policy_loss + options.value_weight * value_loss + reward_loss;
  if (end_loss.defined()) total = total + end_loss;
  if (consistency_loss.defined()) total = total + options.consistency * consistency_loss;

  auto& metrics = parts_.system->metrics;
  metrics.add("behaviour/policy", number, policy_loss.item<double>());
  metrics.add("behaviour/value_loss", number, value_loss.item<double>());
  metrics.add("world/reward", number, reward_loss.item<double>());
  if (end_loss.defined()) metrics.add("world/end", number, end_loss.item<double>());
  if (consistency_loss.defined()) metrics.add("world/consistency", number, consistency_loss.item<double>());
  metrics.add("behaviour/value_error_now", number, value_error_near.item<double>());
  metrics.add("behaviour/value_error_unrolled", number, value_error_far.item<double>());
  if (options.reanalyse > 0) metrics.add("behaviour/improvement", number, wanted.improvement);
  total.backward();
  metrics.add("world/gradient", number, optimiser_.step());

  if (viewer_ && viewer_->due(number)) {
    // Imagined states too, as far as their episode goes.
    const auto within = alive.slice(0, 0, unroll + 1).flatten() > 0;
    const auto seen = torch::stack(states).flatten(0, 1).index({within});
    const auto pictures = feed.at(drawn.begins, unroll + 1).image.flatten(0, 1).index({within});
    metrics.add("view/picture", number, viewer_->learn(seen, pictures));
  }
  if (number % options.target_every == 0) refresh();
  torch::NoGradGuard no_grad;
  auto starts = model.initial(std::min(kept_starts, batch.lanes()));
  starts["s"] = states[0].slice(0, 0, starts["s"].size(0)).clone();
  parts_.system->starts = std::move(starts);
}

std::vector<Metrics::Spec> MuzeroLearner::curves() const {
  std::vector<Metrics::Spec> all = {
      {"behaviour/policy", "Policy: cross-entropy with the search", "nats", "update"},
      {"behaviour/value_loss", "Value: cross-entropy", "nats", "update"},
      {"behaviour/value_error_now", "Value: error now", "reward", "update"},
      {"behaviour/value_error_unrolled", "Value: error after the unrolled steps", "reward", "update"},
      {"behaviour/improvement", "Search against policy: KL", "nats", "update"},
      {"world/reward", "Reward: cross-entropy", "nats", "update"},
      {"world/end", "End: cross-entropy", "nats", "update"},
      {"world/consistency", "Consistency: 1 − cosine", "", "update"},
      {"world/gradient", "Norm of the gradients", "", "update"}};
  if (viewer_) all.push_back({"view/picture", "Viewing decoder: picture", "MSE", "update"});
  return all;
}

}  // namespace

torch::Tensor n_step_values(const torch::Tensor& reward, const torch::Tensor& value, const torch::Tensor& terminated,
                            const torch::Tensor& alive, std::int64_t unroll, std::int64_t td_steps, double discount) {
  const auto worth = value * (1 - terminated);
  std::vector<torch::Tensor> all;
  for (std::int64_t k = 0; k <= unroll; ++k) {
    auto target = worth[k + td_steps];
    for (std::int64_t j = k + td_steps - 1; j >= k; --j)
      target = torch::where(alive[j + 1] > 0, reward[j + 1] + discount * target, worth[j]);
    all.push_back(target);
  }
  return torch::stack(all);
}

std::unique_ptr<Learner> muzero_learner(MuzeroParts& parts) {
  return std::make_unique<MuzeroLearner>(parts);
}

}  // namespace dream
