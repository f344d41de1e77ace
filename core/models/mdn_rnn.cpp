#include "core/models/mdn_rnn.h"

#include <cmath>

#include "core/nn/shape.h"

namespace dream {

MdnRnnImpl::MdnRnnImpl(const MdnRnnOptions& options)
    : options_(options),
      lstm_(register_module("lstm", Lstm(options.latent_size + options.action_size, options.hidden_size))) {
  const auto outputs = options.latent_size * options.mixtures * 3 + (options.heads ? 2 : 0);
  output_weight_ = register_parameter("output_weight", torch::empty({options.hidden_size, outputs}));
  output_bias_ = register_parameter("output_bias", torch::zeros({outputs}));
  torch::nn::init::xavier_uniform_(output_weight_);
}

MdnRnnImpl::Output MdnRnnImpl::output(const torch::Tensor& h) {
  auto shape = h.sizes().vec();
  shape.back() = options_.latent_size;
  shape.push_back(3 * options_.mixtures);
  const auto flat = torch::addmm(output_bias_, h.reshape({-1, options_.hidden_size}), output_weight_);
  const auto mixture_outputs = options_.latent_size * options_.mixtures * 3;
  const auto parts = flat.slice(1, 0, mixture_outputs).reshape(shape).chunk(3, -1);
  Output out;
  out.log_weights = torch::log_softmax(parts[0], -1);
  out.mean = parts[1];
  out.log_deviation = parts[2];
  if (options_.heads) {
    shape.resize(shape.size() - 2);
    out.reward = flat.select(1, mixture_outputs).reshape(shape);
    out.done_logit = flat.select(1, mixture_outputs + 1).reshape(shape);
  }
  return out;
}

LstmState MdnRnnImpl::step(const torch::Tensor& z, const torch::Tensor& action, const LstmState& state) {
  return lstm_->step(torch::cat({z, action}, 1), state);
}

MdnRnnImpl::Draw MdnRnnImpl::sample(const Output& output, double tau_mixture, double tau_sigma, at::Generator rng) {
  const auto options = output.mean.options();
  const auto shape = output.mean.sizes().slice(0, output.mean.dim() - 1);
  // The inverse of the cumulative weights; a rounding error at the end falls on the last component.
  const auto cumulative = torch::softmax(output.log_weights / tau_mixture, -1).cumsum(-1);
  const auto uniform = torch::rand(shape, rng, options).unsqueeze(-1);
  const auto component = (uniform > cumulative).sum(-1, true).clamp_max(output.mean.size(-1) - 1);
  const auto mean = output.mean.gather(-1, component).squeeze(-1);
  const auto deviation = output.log_deviation.gather(-1, component).squeeze(-1).exp();
  const auto noise = torch::randn(shape, rng, options);
  return {mean + deviation * std::sqrt(tau_sigma) * noise, component.squeeze(-1)};
}

MdnRnnImpl::Loss MdnRnnImpl::loss(const torch::Tensor& z, const torch::Tensor& actions, const torch::Tensor& rewards,
                                  const torch::Tensor& dones) {
  const auto steps = actions.size(0), batch = actions.size(1);
  check_shape(z, {steps + 1, batch, options_.latent_size}, "z");
  check_shape(actions, {steps, batch, options_.action_size}, "actions");
  const auto h = lstm_->scan(torch::cat({z.slice(0, 0, steps), actions}, 2), lstm_->initial(batch));
  const auto out = output(h);
  Loss loss;
  loss.nll = mixture_nll(z.slice(0, 1), out.log_weights, out.mean, out.log_deviation).mean();
  loss.total = loss.nll;
  if (options_.heads) {
    check_shape(rewards, {steps, batch}, "rewards");
    check_shape(dones, {steps, batch}, "dones");
    loss.reward = (out.reward - rewards).square().mean();
    loss.done = torch::binary_cross_entropy_with_logits(out.done_logit, dones);
    loss.total = loss.total + (loss.reward + loss.done) / static_cast<double>(options_.latent_size);
  }
  return loss;
}

torch::Tensor mixture_nll(const torch::Tensor& value, const torch::Tensor& log_weights, const torch::Tensor& mean,
                          const torch::Tensor& log_deviation) {
  constexpr double half_log_two_pi = 0.91893853320467274178;
  const auto standardised = (value.unsqueeze(-1) - mean) * torch::exp(-log_deviation);
  return -torch::logsumexp(log_weights - 0.5 * standardised.square() - log_deviation - half_log_two_pi, -1);
}

}  // namespace dream
