#include "core/behaviours/td_policy.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double td_least_discount = 0.95, td_greatest_discount = 0.995, td_share_of_length = 5;
constexpr double first_noise_limit = 0.3;  // of TD-MPC's policy: its noise is cut there

/// While it lives, gradients pass through a module and none are kept for its weights.
class Held {
 public:
  explicit Held(torch::nn::Module& module) : parameters_(module.parameters()) {
    for (auto& p : parameters_) p.requires_grad_(false);
  }
  ~Held() {
    for (auto& p : parameters_) p.requires_grad_(true);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  std::vector<torch::Tensor> parameters_;
};

/// Linear between the neighbours of a rank; x sorted [N].
torch::Tensor at_share(const torch::Tensor& x, double share) {
  const double position = share * static_cast<double>(x.numel() - 1);
  const auto low = static_cast<std::int64_t>(position);
  return torch::lerp(x[low], x[std::min(low + 1, x.numel() - 1)], position - static_cast<double>(low));
}

}  // namespace

torch::Tensor mean_of_valid(const torch::Tensor& x, const torch::Tensor& weight) {
  return (x * weight).sum(-1) / weight.sum(-1).clamp_min(1);
}

double td_discount(std::int64_t episode_length) {
  if (episode_length <= 0) return td_greatest_discount;
  const double fifth = static_cast<double>(episode_length) / td_share_of_length;
  return std::clamp((fifth - 1) / fifth, td_least_discount, td_greatest_discount);
}

void TdPolicyOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "units", units,
             {.help = "Units of the layers of policy and Q-functions", .low = 1, .high = 65536});
  if (!first) config.add(prefix + "members", members, {.help = "Q-functions", .low = 2, .high = 64});
  if (!first)
    config.add(prefix + "dropout", dropout,
               {.help = "Share of a Q-function's first layer that is dropped while it learns", .low = 0, .high = 0.9});
  config.add(prefix + "discount", discount,
             {.help = "γ of the return; 0: 1 − 5 / L of an episode's length L, from 0.95 to 0.995",
              .low = 0,
              .high = 1,
              .title = "discount γ"});
  if (!first) {
    config.add(prefix + "entropy", entropy,
               {.help = "Weight of the policy's entropy", .low = 0, .high = 10, .logarithmic = true, .live = true});
    config.add(prefix + "least_log_deviation", least_log_deviation,
               {.help = "Least log σ of the policy", .low = -20, .high = 2});
    config.add(prefix + "greatest_log_deviation", greatest_log_deviation,
               {.help = "Greatest log σ of the policy", .low = -5, .high = 5});
  }
  config.add(prefix + "target_share", target_share,
             {.help = "Share of the weights in their slow copies, per update", .low = 0, .high = 1, .live = true});
  config.add(prefix + "target_every", target_every,
             {.help = "Updates between two of the slow copies", .low = 1, .high = 1000, .live = true});
  if (first)
    config.add(prefix + "deviation", deviation,
               {.help = "σ of the policy where it tries things", .low = 0, .high = 2, .live = true});
}

TdPolicy::TdPolicy(std::int64_t features, const ActionSpace& space, const TdPolicyOptions& options)
    : options_(options), space_(space), axes_(static_cast<std::int64_t>(space.axes.size())) {
  if (space.discrete())
    throw Error("the policy of TD-MPC is a Gaussian over continuous actions; this world has choices");
  const auto& o = options_;
  const auto after = o.first ? After::elu : After::mish;
  const auto init = o.first ? StackedInit::orthogonal : StackedInit::normal;
  StackedOptions policy;
  policy.in = features;
  policy.layers = {
      {o.units, !o.first, after}, {o.units, !o.first, after}, {o.first ? axes_ : 2 * axes_, false, After::none}};
  policy.init = init;
  policy_ = register_module("policy", StackedMlp(policy));

  StackedOptions q = policy;
  q.in = features + axes_;
  q.members = o.members;
  q.layers = {{o.units, true, o.first ? After::tanh : After::mish},
              {o.units, !o.first, after},
              {o.first ? 1 : o.bins, false, After::none}};
  q.dropout = o.first ? 0 : o.dropout;
  q.zero_last = true;
  q_ = register_module("q", StackedMlp(q));
  slow_q_ = register_module("slow_q", StackedMlp(q));
  follow_slowly(*slow_q_, *q_, 1);
  for (auto p : slow_q_->parameters()) p.requires_grad_(false);
  scale_ = register_buffer("scale", torch::ones({1}));
  if (!o.first) two_hot_ = TwoHot(TwoHot::Kind::symlog, o.bins, torch::kCPU, o.limit);
}

// -- acting
// ---------------------------------------------------------------------------------------------------------------

torch::Tensor TdPolicy::to_environment(const torch::Tensor& action) const {
  const auto like = action.options().requires_grad(false);
  const auto low = torch::tensor(space_.low, like), high = torch::tensor(space_.high, like);
  return low + (action + 1) * 0.5 * (high - low);
}

torch::Tensor TdPolicy::noise_for(const torch::Tensor& z, at::Generator rng) const {
  auto sizes = z.sizes().vec();
  sizes.back() = axes_;
  return torch::randn(sizes, rng, z.options().requires_grad(false).dtype(torch::kFloat32));
}

TdPolicy::Drawn TdPolicy::draw(const torch::Tensor& z, const torch::Tensor& noise) {
  const auto output = policy_(z).to(torch::kFloat32);
  Drawn drawn;
  if (options_.first) {  // its noise is cut, and the cut has no gradient
    drawn.mean = torch::tanh(output);
    const auto shaken = drawn.mean + (noise * options_.deviation).clamp(-first_noise_limit, first_noise_limit);
    drawn.action = shaken + (shaken.clamp(-1 + 1e-6, 1 - 1e-6) - shaken).detach();
    drawn.entropy = drawn.scaled = torch::zeros_like(drawn.mean.select(-1, 0));
    return drawn;
  }
  const auto parts = output.chunk(2, -1);
  const auto range = options_.greatest_log_deviation - options_.least_log_deviation;
  const auto log_deviation = options_.least_log_deviation + 0.5 * range * (torch::tanh(parts[1]) + 1);
  const auto log_normal =
      (-0.5 * noise.square() - log_deviation - 0.5 * std::log(2 * std::numbers::pi)).sum(-1);  // before the squashing
  drawn.mean = torch::tanh(parts[0]);
  drawn.action = torch::tanh(parts[0] + noise * log_deviation.exp());
  const auto log_prob = log_normal - torch::log(torch::relu(1 - drawn.action.square()) + 1e-6).sum(-1);
  drawn.entropy = -log_prob;
  // The published weight is this quotient, where one would expect the number of axes alone.
  drawn.scaled = -log_prob * (log_normal * static_cast<double>(axes_) / (log_prob + 1e-8));
  return drawn;
}

Decision TdPolicy::decide(const Seen& seen, const Carry&, Mode mode, at::Generator rng) {
  const auto z = seen.features();
  const auto drawn = draw(z, noise_for(z, rng));
  return {to_environment(mode == Mode::judge ? drawn.mean : drawn.action)};
}

torch::Tensor TdPolicy::value(const torch::Tensor& z) {
  auto sizes = z.sizes().vec();
  sizes.back() = axes_;
  const auto mean = draw(z, torch::zeros(sizes, z.options().requires_grad(false))).mean;
  const auto all = q_of(q_logits(z, mean));
  return options_.first ? all.amin(0) : all.mean(0);
}

// -- learning
// -------------------------------------------------------------------------------------------------------------

torch::Tensor TdPolicy::q_logits(const torch::Tensor& z, const torch::Tensor& action, Weights weights,
                                 const std::optional<at::Generator>& chance) {
  return (weights == Weights::slow ? slow_q_ : q_)(torch::cat({z, action}, -1), chance);
}

torch::Tensor TdPolicy::q_of(const torch::Tensor& logits) const {
  return options_.first ? logits.to(torch::kFloat32).squeeze(-1) : two_hot_.mean(logits);
}

torch::Tensor TdPolicy::q_loss(const torch::Tensor& logits, const torch::Tensor& value) const {
  if (options_.first) return (logits.to(torch::kFloat32).squeeze(-1) - value).square();
  // The target is the same for all members: [..., bins] meets [E, ..., bins].
  return -(two_hot_.target(value) * torch::log_softmax(logits.to(torch::kFloat32), -1)).sum(-1);
}

torch::Tensor TdPolicy::pair(at::Generator rng) const {
  const auto like = torch::TensorOptions(scale_.device()).dtype(torch::kInt64);
  return torch::randperm(options_.members, rng, like).slice(0, 0, 2);
}

torch::Tensor TdPolicy::target(const torch::Tensor& next_z, const torch::Tensor& reward,
                               const torch::Tensor& terminated, const torch::Tensor& noise, const torch::Tensor& pair) {
  torch::NoGradGuard no_grad;
  const auto action = draw(next_z, noise).action;
  const auto least = q_of(q_logits(next_z, action, Weights::slow).index_select(0, pair)).amin(0);
  return reward + options_.discount * (1 - terminated) * least;
}

/// S follows the range from the 5th to the 95th percentile, which is taken as no less than 1.
void TdPolicy::follow_range(const torch::Tensor& values) {
  torch::NoGradGuard no_grad;
  const auto sorted = std::get<0>(values.detach().flatten().sort());
  if (sorted.numel() == 0) return;
  const auto range = (at_share(sorted, 0.95) - at_share(sorted, 0.05)).clamp_min(1);
  scale_.lerp_(range.reshape({1}), 0.01);
}

TdPolicy::Loss TdPolicy::loss(const torch::Tensor& z, const torch::Tensor& valid, double rho,
                              const torch::Tensor& noise, const torch::Tensor& pair,
                              const std::optional<at::Generator>& chance) {
  const auto steps = z.size(0);
  const auto drawn = draw(z.detach(), noise);
  torch::Tensor values;
  {
    const Held held(*q_);
    const auto both = q_of(q_logits(z.detach(), drawn.action, Weights::online, chance).index_select(0, pair));
    values = options_.first ? both.amin(0) : both.mean(0);  // [S, B]
  }
  const auto weights = torch::pow(rho, torch::arange(steps, values.options().requires_grad(false)));
  Loss loss;
  loss.entropy = mean_of_valid(drawn.entropy.detach(), valid).mean();
  if (options_.first) {
    loss.total = -(weights * mean_of_valid(values, valid)).sum();
    return loss;
  }
  follow_range(values[0].masked_select(valid[0] > 0));
  const auto gain = options_.entropy * drawn.scaled + values / scale_;
  loss.total = -(weights * mean_of_valid(gain, valid)).mean();
  return loss;
}

void TdPolicy::update_target(std::int64_t number) {
  if (number % options_.target_every == 0) follow_slowly(*slow_q_, *q_, options_.target_share);
}

// -- what it shows of itself
// ----------------------------------------------------------------------------------------------

std::vector<std::string> TdPolicy::probe_names() const {
  std::vector<std::string> names = {"policy/action", "policy/values"};
  if (!options_.first) names.emplace_back("horizon/value_bins");
  return names;
}

void TdPolicy::report(const Seen& seen, const Carry&, ProbeSink& sink, at::Generator rng) {
  if (!sink.wants("policy/action") && !sink.wants("policy/values") && !sink.wants("horizon/value_bins")) return;
  torch::NoGradGuard no_grad;
  const auto z = seen.features().slice(0, 0, 1);
  if (sink.wants("policy/action")) {
    const auto many = z.expand({256, -1});
    const auto actions = to_environment(draw(many, noise_for(many, rng)).action);
    Vector bars;
    bars.values = bars.mean = floats(actions.mean(0));
    bars.deviation = floats(actions.std(0, false));
    bars.labels = space_.axes;
    sink.put("policy/action", "Policy",
             "π(a | z): mean ± deviation of every axis as the environment takes it, of 256 samples", std::move(bars));
  }
  const auto logits = q_logits(z, draw(z, torch::zeros_like(noise_for(z, rng))).mean);  // [E, 1, bins]
  if (sink.wants("policy/values")) {
    Vector bars;
    bars.values = floats(q_of(logits));
    for (std::int64_t i = 0; i < logits.size(0); ++i) bars.labels.push_back("Q" + std::to_string(i + 1));
    sink.put("policy/values", "Q-functions", "Q(z, π(z)) of every member: where they differ much, none has seen enough",
             std::move(bars));
  }
  if (!options_.first && sink.wants("horizon/value_bins")) {
    sink.put("horizon/value_bins", "Value in bins",
             "Two-hot: how likely the first Q-function takes each bin to be, over symlog(Q); the value is the mean",
             two_hot_.curve(logits[0][0]));
  }
}

}  // namespace dream
