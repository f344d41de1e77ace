#include "core/behaviours/q_network.h"

#include "api/error.h"
#include "core/probe/from_tensor.h"

namespace dream {

void QNetworkOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "layers", layers, {.help = "Hidden layers of Q", .low = 0, .high = 10});
  config.add(prefix + "units", units, {.help = "Units of each", .low = 1, .high = 8192});
  config.add(prefix + "discount", discount, {.help = "What the next step's value counts", .low = 0, .high = 1, .title = "discount γ"});
  config.add(prefix + "epsilon", epsilon, {.help = "Share of random actions while it learns", .low = 0, .high = 1, .live = true, .title = "ε"});
}

QNetwork::QNetwork(std::int64_t features, const ActionSpace& space, const QNetworkOptions& options)
    : options_(options), space_(space) {
  if (!space.discrete()) throw Error("Q of every action needs actions that are choices");
  const LayerStyle style{.act = Act::silu, .norm = Norm::layer};
  const auto choices = static_cast<std::int64_t>(space.choices.size());
  q_ = register_module("q", Mlp(features, options.layers, options.units, style, choices, 0.1));
  slow_ = register_module("slow", Mlp(features, options.layers, options.units, style, choices, 0.1));
  for (auto p : slow_->parameters()) p.requires_grad_(false);
  update_slow();
}

void QNetwork::update_slow() {
  torch::NoGradGuard no_grad;
  const auto from = q_->parameters(), to = slow_->parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
}

Decision QNetwork::decide(const Seen& seen, const Carry&, Mode mode, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto q = q_->forward(seen.features());
  auto action = q.argmax(-1);
  if (mode == Mode::collect) {
    const auto chance = torch::rand({q.size(0), 2}, rng, q.options());
    const auto any = (chance.select(1, 1) * static_cast<double>(q.size(1))).floor().to(torch::kInt64).clamp_max(q.size(1) - 1);
    action = torch::where(chance.select(1, 0) < options_.epsilon, any, action);
  }
  return {action.to(torch::kFloat32).unsqueeze(1)};
}

torch::Tensor QNetwork::loss(const torch::Tensor& features, const torch::Tensor& action, const torch::Tensor& reward,
                             const torch::Tensor& after, const torch::Tensor& done, const torch::Tensor& counts) {
  torch::Tensor target;
  {
    torch::NoGradGuard no_grad;
    const auto chosen = q_->forward(after).argmax(-1, true);
    target = reward + options_.discount * (1 - done) * slow_->forward(after).gather(-1, chosen).squeeze(-1);
  }
  const auto q = q_->forward(features).gather(-1, action.round().to(torch::kInt64)).squeeze(-1);
  return (torch::smooth_l1_loss(q, target, at::Reduction::None) * counts).sum() / counts.sum().clamp_min(1);
}

void QNetwork::report(const Seen& seen, const Carry&, ProbeSink& sink, at::Generator) {
  if (!sink.wants("behaviour/q")) return;
  torch::NoGradGuard no_grad;
  Vector value;
  value.values = floats(q_->forward(seen.features())[0]);
  value.labels = space_.choices;
  sink.put("behaviour/q", "Q here", "Q(s, a) of every action: the discounted return that it expects", std::move(value));
}

}  // namespace dream
