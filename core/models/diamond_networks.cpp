#include "core/models/diamond_networks.h"

#include <cmath>
#include <numbers>

#include "api/error.h"
#include "core/nn/begin_lstm.h"

namespace dream {

DenoiserImpl::DenoiserImpl(const DenoiserOptions& options, std::int64_t channels, std::int64_t actions) {
  const auto size = options.unet.condition, width = options.unet.channels.front();
  if ((actions > 0 && size % options.context != 0) || size % 2 != 0)
    throw Error("the condition has " + std::to_string(size) + " numbers, which " + std::to_string(options.context) +
                " actions cannot share equally; a multiple of both it and 2 was expected");
  frequencies_ = register_buffer("frequencies", torch::randn({1, size / 2}));
  if (options.told_of_past) past_frequencies_ = register_buffer("past_frequencies", torch::randn({1, size / 2}));
  if (actions > 0) action_embedding_ = register_parameter("action_embedding", torch::randn({actions, size / options.context}));
  condition1_ = register_module("condition1", torch::nn::Linear(size, size));
  condition2_ = register_module("condition2", torch::nn::Linear(size, size));
  in_ = register_module("in", same_conv((options.context + 1) * channels, width));
  unet_ = register_module("unet", UNet(options.unet));
  norm_ = register_module("norm", GroupNorm(width));
  out_ = register_module("out", same_conv(width, channels));
  torch::NoGradGuard no_grad;
  out_->weight.zero_();
}

namespace {

/// [B] and frequencies [1, n] -> [B, 2 n].
torch::Tensor waves_of(const torch::Tensor& noise, const torch::Tensor& frequencies) {
  const auto angle = (2 * std::numbers::pi * noise).unsqueeze(1).matmul(frequencies);
  return torch::cat({angle.cos(), angle.sin()}, 1);
}

}  // namespace

torch::Tensor DenoiserImpl::condition(const torch::Tensor& noise, const torch::Tensor& actions, const torch::Tensor& past_noise) {
  auto told = waves_of(noise, frequencies_);
  // An upsampler's earlier pictures have no noise, and it gets those waves of 0.
  if (past_frequencies_.defined())
    told = told + waves_of(past_noise, past_frequencies_);
  else if (!actions.defined())
    told = told + waves_of(torch::zeros_like(noise), frequencies_);
  if (actions.defined()) told = told + actions.matmul(action_embedding_).flatten(1);
  return condition2_(torch::silu(condition1_(told)));
}

torch::Tensor DenoiserImpl::forward(const torch::Tensor& x, const torch::Tensor& past, const torch::Tensor& condition) {
  const auto type = in_->weight.scalar_type();
  if (type == x.scalar_type() && takes_planes(x)) {
    const auto pictures = filled_up(torch::cat({past, x}, 1)), bends = unet_->bends(condition);
    const auto norm = plane_norm(*norm_);
    auto all = torch::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast);
    for (std::int64_t n = 0; n < x.size(0); ++n) {
      const Plane picture{pictures.slice(0, n, n + 1), {}};
      const auto made = unet_->plane(plane_in_(unet_->pool(), *in_, {&picture}), bends[n].const_data_ptr<float>());
      all.slice(0, n, n + 1).copy_(plane_out_(unet_->pool(), *out_, {&made}, &norm).x.slice(1, 0, x.size(1)));
    }
    return all;
  }
  const auto picture = torch::cat({past, x}, 1).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  const auto y = unet_(in_(picture), condition);
  return out_(norm_->forward(y, true)).to(torch::kFloat32);
}

StepCoderImpl::StepCoderImpl(const UNetOptions& options, at::IntArrayRef picture, std::int64_t actions) : size_(options.channels.back()) {
  action_embedding_ = register_parameter("action_embedding", torch::randn({actions, options.condition}));
  in_ = register_module("in", same_conv(2 * picture[0], options.channels.front()));
  net_ = register_module("net", DownNet(options));
  for (auto side : picture.slice(1)) {
    for (std::size_t i = 1; i < options.channels.size(); ++i) side = (side + 1) / 2;
    size_ *= side;
  }
}

torch::Tensor StepCoderImpl::forward(const torch::Tensor& before, const torch::Tensor& actions, const torch::Tensor& after) {
  const auto type = in_->weight.scalar_type();
  if (type == before.scalar_type() && takes_planes(before)) {
    const auto pictures = filled_up(torch::cat({before, after}, 1)), bends = net_->bends(actions.matmul(action_embedding_));
    std::vector<torch::Tensor> seen;
    for (std::int64_t n = 0; n < pictures.size(0); ++n) {
      const Plane picture{pictures.slice(0, n, n + 1), {}};
      seen.push_back(net_->plane(plane_in_(net_->pool(), *in_, {&picture}), bends[n].const_data_ptr<float>()).x.flatten(1));
    }
    return torch::cat(seen);
  }
  const auto pair = torch::cat({before, after}, 1).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  return net_(in_(pair), actions.matmul(action_embedding_)).flatten(1).to(torch::kFloat32);
}

RewardEndImpl::RewardEndImpl(const RewardEndOptions& options, at::IntArrayRef picture, std::int64_t actions) : memory_(options.memory) {
  coder_ = register_module("coder", StepCoder(options.net, picture, actions));
  lstm_ = register_module("lstm", torch::nn::LSTM(coder_->size(), options.memory));
  hidden_ = register_module("hidden", torch::nn::Linear(options.memory, options.memory));
  out_ = register_module("out", torch::nn::Linear(torch::nn::LinearOptions(options.memory, 5).bias(false)));
  begin_lstm(*lstm_);
}

RewardEndImpl::State RewardEndImpl::initial(std::int64_t batch) const {
  const auto zero = torch::zeros({batch, memory_}, hidden_->weight.options().requires_grad(false));
  return {zero, zero};
}

torch::Tensor RewardEndImpl::look(const torch::Tensor& before, const torch::Tensor& actions, const torch::Tensor& after) {
  return coder_(before.flatten(0, 1), actions.flatten(0, 1), after.flatten(0, 1)).view({before.size(0), before.size(1), -1});
}

RewardEndImpl::Said RewardEndImpl::step(const torch::Tensor& seen, const State& state) {
  torch::NoGradGuard no_grad;
  const auto weights = lstm_->named_parameters();
  const auto gates = product_(torch::cat({seen, state.h}, 1), {weights["weight_ih_l0"], weights["weight_hh_l0"]},
                              {weights["bias_ih_l0"], weights["bias_hh_l0"]})
                         .chunk(4, 1);  // i, f, g, o
  const auto c = gates[1].sigmoid() * state.c + gates[0].sigmoid() * gates[2].tanh();
  const auto h = gates[3].sigmoid() * c.tanh();
  const auto logits = out_(torch::silu(hidden_(h))).unsqueeze(0);
  return {logits.slice(2, 0, 3), logits.slice(2, 3), {h, c}};
}

RewardEndImpl::Said RewardEndImpl::forward(const torch::Tensor& steps, const State& state) {
  const auto [out, last] = lstm_(steps, std::make_tuple(state.h.unsqueeze(0), state.c.unsqueeze(0)));
  const auto logits = out_(torch::silu(hidden_(out))).to(torch::kFloat32);
  return {logits.slice(2, 0, 3), logits.slice(2, 3), {std::get<0>(last).squeeze(0), std::get<1>(last).squeeze(0)}};
}

RewardEndLoss reward_end_loss(const RewardEndImpl::Said& said, const torch::Tensor& reward, const torch::Tensor& end,
                              const torch::Tensor& alive) {
  const auto mean = [&](const torch::Tensor& logits, const torch::Tensor& classes) {
    const auto told = logits.log_softmax(-1).gather(-1, classes.to(torch::kInt64).unsqueeze(-1)).squeeze(-1);
    return -(alive * told).sum() / alive.sum().clamp_min(1);
  };
  return {mean(said.reward, reward.sign() + 1), mean(said.end, end)};
}

}  // namespace dream
