// Our actor-critics beside the authors' own code: same weights, states, actions and draws in, same imagination,
// returns, losses and gradients out. And PlaNet's planner, plan by plan.
#include "core/behaviours/planner.h"
#include "core/nn/generator.h"
#include "tests/models/golden_cases.h"

namespace dream {
namespace actor_critic_golden_test {

using test::Golden;
using test::GoldenCase;

class GoldenBehaviour : public ::testing::TestWithParam<GoldenCase> {
 protected:
  GoldenBehaviour()
      : golden_(GetParam().file),
        options_(test::options_of(GetParam())),
        model_(options_.world, test::spaces_of(GetParam())) {
    torch::set_num_threads(1);
    auto& b = options_.behaviour;
    if (v24()) b.unimix = 0;  // the categorical policy there forgets its 1 %, which the paper has and we follow
    behaviour_ = std::make_unique<ActorCritic>(model_.feature_count(), test::spaces_of(GetParam()).action, b);
    golden_.fill(model_, GetParam().world);
    golden_.fill(*behaviour_, GetParam().behaviour);
    for (const char* name : {"in/retnorm", "in/ema_vals"}) {
      if (golden_.has(name)) range().copy_(golden_(name));
    }
    batch_ = test::batch_of(golden_, GetParam());
    given_ = test::given_of(golden_);
  }

  bool v24() const { return GetParam().constants == "2024"; }
  bool v23() const { return GetParam().constants == "2023"; }
  bool v2() const { return GetParam().recipe == "dreamer-v2"; }
  torch::Tensor range() { return behaviour_->named_buffers()["return_range"]; }
  torch::Tensor actor(const torch::Tensor& features) {
    return behaviour_->named_children()["actor"]->as<MlpImpl>()->forward(features);
  }

  /// Imagined data [H, N, ...], N in the reference's order b·T + t; V3-24 has them batch-first.
  torch::Tensor imagined(const std::string& name) const {
    return v24() ? golden_(name).transpose(0, 1) : golden_(name);
  }
  /// N of the order t·B + b in that order.
  static torch::Tensor by_lane(const torch::Tensor& x) {
    return x.unflatten(0, {6, 3}).transpose(0, 1).flatten(0, 1).contiguous();
  }
  static torch::Tensor by_step(const torch::Tensor& x, std::int64_t dim) {
    return x.unflatten(dim, {3, 6}).transpose(dim, dim + 1).flatten(dim, dim + 1);
  }

  /// The action in the h-th state, from what the dump drew.
  torch::Tensor action(const torch::Tensor& output, std::int64_t h) const {
    const auto& policy = behaviour_->policy();
    if (v2()) {  // the action that led to the next state
      if (GetParam().discrete) return golden_("in/imag_action")[std::min<std::int64_t>(h + 1, 5)];
      if (h == 5) return torch::zeros({18, 2});
      // TensorFlow 2.21 differentiates a truncated normal's sample as if the bounds moved along with its mean and
      // scaled with its deviation: mean + deviation * constant. Ours has the gradient at fixed bounds, as TFP of V2's
      // time: policy_head_test.cpp. Here theirs, so that all that follows can be compared.
      const auto drawn = policy.sample_at(output, golden_("in/imag_action_uniform")[h]).detach();
      const auto [mean, deviation] = policy.mean_deviation(output);
      return mean + deviation * ((drawn - mean) / deviation).detach();
    }
    if (GetParam().recipe == "dreamer-v1")
      return h < 5 ? policy.sample_at(output, golden_("in/imag_action_noise")[h]) : torch::zeros({18, 2});
    if (v23() && !GetParam().discrete) return policy.sample_at(output, golden_("in/imag_action_noise")[h]);
    auto drawn = imagined("in/imag_action")[h];
    return drawn.dim() == 1 ? torch::one_hot(drawn.to(torch::kInt64), 3).to(torch::kFloat32) : drawn;
  }
  /// z of the h-th state, h from 1 on.
  torch::Tensor latent(const torch::Tensor& prior, std::int64_t h) const {
    if (golden_.has("in/imag_noise")) {
      const auto parts = prior.chunk(2, -1);
      return parts[0] + parts[1] * golden_("in/imag_noise")[h - 1];
    }
    return straight_through(imagined("in/imag_stoch")[v24() ? h - 1 : h].flatten(1), prior);
  }

  ActorCritic::Dreamed imagine(const Carry& starts, std::int64_t states) {
    std::vector<torch::Tensor> features, actions, rewards, going_on;
    Carry carry = starts;
    for (std::int64_t h = 0; h < states; ++h) {
      const auto seen = model_.features(carry);
      const auto outcome = model_.outcome(carry);
      actions.push_back(action(actor(seen.detach()), h));
      features.push_back(seen);
      rewards.push_back(outcome.reward);
      going_on.push_back(outcome.done.defined() ? 1 - outcome.done : torch::ones_like(outcome.reward));
      if (h + 1 == states) break;
      const auto& policy = behaviour_->policy();
      carry =
          model_.imagine(carry, policy.discrete() ? actions.back() : policy.to_environment(actions.back()), {}, rng_);
      carry["z"] = latent(carry.at("prior"), h + 1);
      hs_.push_back(carry.at("h"));
      priors_.push_back(carry.at("prior"));
    }
    const std::int64_t from = options_.behaviour.include_start ? 0 : 1;
    const auto all = [&](const std::vector<torch::Tensor>& parts) { return torch::stack(parts).slice(0, from); };
    return {all(features), all(actions), all(rewards), all(going_on)};
  }

  Golden golden_;
  DreamerOptions options_;
  Rssm model_;
  std::unique_ptr<ActorCritic> behaviour_;
  SequenceBatch batch_;
  Rssm::Given given_;
  std::vector<torch::Tensor> hs_, priors_;
  at::Generator rng_ = make_generator(torch::kCPU, 1);
};

TEST_P(GoldenBehaviour, ImaginesAndLearnsAsTheReference) {
  const auto world = model_.loss(batch_, rng_, given_);
  Carry starts;
  for (const auto& [name, tensor] : world.starts_at({})) starts[name] = by_lane(tensor);
  const bool through = options_.behaviour.gradient != Gradient::reinforce;
  ActorCritic::Dreamed dreamed;
  {
    const torch::AutoGradMode mode(through);
    for (auto& p : model_.parameters()) p.requires_grad_(false);
    dreamed = imagine(starts, v23() ? 5 : 6);
    for (auto& p : model_.parameters()) p.requires_grad_(true);
  }
  // The imagination.
  const auto first = [&](const std::string& name) { return v24() ? imagined(name) : imagined(name).slice(0, 1); };
  if (golden_.has("out/imag_deter")) golden_.close("h", torch::stack(hs_), first("out/imag_deter"));
  if (golden_.has("out/imag_feat")) golden_.close("features", dreamed.features, golden_("out/imag_feat"));
  if (golden_.has("out/imag_logit")) {
    golden_.close("prior", torch::stack(priors_), unimix(first("out/imag_logit"), options_.world.unimix).flatten(-2));
  }
  golden_.close("reward", dreamed.reward, imagined("out/imag_reward").view_as(dreamed.reward));
  if (golden_.has("out/imag_cont")) {
    golden_.close("continue", dreamed.going_on * options_.world.discount,
                  imagined("out/imag_cont").reshape(dreamed.going_on.sizes()).clamp_max(options_.world.discount));
  }

  // The order t·B + b is that of the model's own states, which the replay's critic is aligned with.
  for (auto* x : {&dreamed.features, &dreamed.action, &dreamed.reward, &dreamed.going_on}) *x = by_step(*x, 1);
  // Without a discount head danijar/dreamerv2 leaves the replay's terminals away; the control suite has none.
  const auto alive = options_.world.continue_scale > 0 ? (1 - batch_.terminated).flatten() : torch::ones({18});
  if (v23()) {  // NM512 moves the slow critic before its use, the authors and we after
    behaviour_->update_target();
    golden_.close("slow critic", behaviour_->named_parameters()["slow_critic.out.bias"],
                  golden_("out/slow_value.mean_layer.bias_after"));
  }
  const auto loss =
      behaviour_->loss(dreamed, alive, {world.features, batch_.reward, batch_.terminated, batch_.last}, rng_);
  const auto returns = v24() ? "out/imag_return" : GetParam().recipe == "dreamer-v1" ? "out/returns" : "out/target";
  golden_.close("returns", loss.returns, by_step(imagined(returns).reshape({loss.returns.size(0), 18}), 1));
  if (v24()) {
    golden_.close("actor's loss", loss.actor, golden_("out/mean_policy_loss")[0]);
    golden_.close("critic's loss", loss.critic, golden_("out/mean_value_loss")[0]);
    golden_.close("critic's loss on the replay", loss.replay_critic, 0.3 * golden_("out/mean_repval_loss")[0]);
    golden_.close("return range", range(), torch::cat({golden_("out/retnorm_lo"), golden_("out/retnorm_hi")}));
    const auto total = world.total + loss.actor + loss.critic + loss.replay_critic;
    golden_.close("total", total, golden_("out/loss")[0]);
    total.backward();
    golden_.close_gradients(model_, GetParam().world);
  } else if (v23()) {
    // NM512 departs from the authors' code here (its dump's README, 1 and 2): ours follows the authors.
    golden_.close("actor's loss", loss.actor, golden_("out/authors_actor_loss")[0]);
    golden_.close("critic's loss", loss.critic, golden_("out/authors_critic_loss")[0]);
    golden_.close("return range", range(), golden_("out/ema_vals"));
    return;
  } else {
    const std::string prefix = v2() ? "out/actor/" : "out/actor_";
    golden_.close("actor's loss", loss.actor, golden_(prefix + "loss")[0]);
    golden_.close("critic's loss", loss.critic, golden_(v2() ? "out/critic/loss" : "out/value_loss")[0]);
    (loss.actor + loss.critic).backward();
  }
  if (golden_.has("out/actor/loss_both")) {  // V2's mixture of both gradients
    behaviour_->live_options().gradient = Gradient::mixed;
    behaviour_->live_options().reinforce_share = 0.9;
    golden_.close("mixed loss", behaviour_->loss(dreamed, alive, {}, rng_).actor, golden_("out/actor/loss_both")[0]);
  }
  golden_.close_gradients(*behaviour_, GetParam().behaviour, {"slow", "target_critic"});
}

TEST_P(GoldenBehaviour, PolicyAndValueAreTheReferences) {
  torch::NoGradGuard no_grad;
  const auto world = model_.loss(batch_, rng_, given_);
  Carry starts;
  for (const auto& [name, tensor] : world.starts_at({})) starts[name] = by_lane(tensor);
  const auto dreamed = imagine(starts, v23() ? 5 : 6);
  const auto& policy = behaviour_->policy();
  if (GetParam().recipe == "dreamer-v1") {
    const auto output = actor(world.features);
    const auto [mean, deviation] = policy.mean_deviation(output);
    golden_.close("mean", mean, golden_.steps("out/actor_mean"));
    golden_.close("deviation", deviation, golden_.steps("out/actor_std"));
    golden_.close("log-probability", policy.log_prob(output, golden_.steps("in/logprob_action")),
                  golden_.steps("out/actor_logprob"));
    golden_.close("value", behaviour_->value(dreamed.features), golden_("out/imag_value"));
    return;
  }
  const auto output = actor(dreamed.features);
  const auto compared = [&](const torch::Tensor& x, const std::string& name) {
    const auto expected = imagined(name);
    golden_.close(name, x.slice(0, 0, expected.size(0)), expected.reshape(x.slice(0, 0, expected.size(0)).sizes()));
  };
  if (GetParam().discrete) {
    const auto expected = torch::log_softmax(imagined("out/actor_logits"), -1);
    golden_.close("logits", torch::log(policy.probabilities(output)).slice(0, 0, expected.size(0)), expected);
  } else {
    const auto [mean, deviation] = policy.mean_deviation(output);
    compared(mean, "out/actor_mean");
    compared(deviation, "out/actor_std");
  }
  // What NM512 draws is cut to [-1, 1] before its likelihood is taken.
  auto taken = dreamed.action;
  if (v23() && !GetParam().discrete) taken = taken.clamp(-1, 1);
  compared(policy.log_prob(output, taken), "out/actor_logprob");
  compared(policy.entropy(output, rng_), "out/actor_entropy");
  const auto child = behaviour_->named_children()[v2() ? "slow_critic" : "critic"]->as<MlpImpl>();
  const auto raw = child->forward(dreamed.features);
  compared(v2() ? raw.squeeze(-1) : behaviour_->value(dreamed.features), "out/imag_value");
}

INSTANTIATE_TEST_SUITE_P(Dreamer, GoldenBehaviour, ::testing::ValuesIn(test::golden_cases()), test::file_of);

/// PlaNet's rollout with the dump's noise in its latents.
class GivenRssm : public Rssm {
 public:
  using Rssm::Rssm;
  torch::Tensor noise;  // [steps, N, Z], of one plan after the other
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    auto next = Rssm::imagine(carry, action, knobs, rng);
    const auto parts = next.at("prior").chunk(2, -1);
    next["z"] = parts[0] + parts[1] * noise[step_++];
    return next;
  }

 private:
  std::int64_t step_ = 0;
};

TEST(GoldenPlanner, RefitsAsPlaNet) {
  torch::NoGradGuard no_grad;
  Golden golden("planet");
  const GoldenCase c{"", "planet", "", false, false, {}, {}};
  DreamerOptions o;
  set_published(o, "planet", false);
  o.world.observe = Sees::vector;
  o.world.deter = test::golden_deter;
  o.world.hidden = o.world.units = 12;
  o.world.groups = 4;
  o.world.reward_layers = 1;
  GivenRssm model(o.world, test::spaces_of(c));
  golden.fill(model, test::world_planet, "vector_");
  model.noise = golden("in/plan_state_noise").permute({0, 2, 1, 3}).flatten(0, 1);
  const Carry carry = {{"h", golden("in/plan_belief").unsqueeze(0)},
                       {"z", golden("in/plan_sample").unsqueeze(0)},
                       {"started", torch::ones({1, 1})}};
  Planner planner(test::spaces_of(c).action, {20, 3, 5, 4, 0});
  const auto plan =
      planner.plan({&model, carry}, {}, make_generator(torch::kCPU, 1), golden("in/plan_noise").unsqueeze(1));
  golden.close("plan", plan.mean[0], golden("out/plan"));
  golden.close("returns", plan.scores[0], golden("out/plan_returns")[2]);
}

}  // namespace actor_critic_golden_test
}  // namespace dream
