#include "core/models/mdn_rnn.h"

#include <algorithm>
#include <cmath>

#include "core/nn/kernel_path.h"
#include "core/nn/mixture_kernel.h"
#include "core/nn/sample_kernel.h"
#include "core/nn/shape.h"
#include "core/nn/threads.h"

namespace dream {

namespace {

constexpr double half_log_two_pi = 0.91893853320467274178;

/// Mean over rows and dimensions of the mixtures' nll: mixtures [N, z·3K], values [N, z] -> scalar. One node, its
/// gradient computed in the forward pass; on a GPU the same in ATen's operations (see mixture_nll).
class MixtureLoss : public torch::autograd::Function<MixtureLoss> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& mixtures,
                               const torch::Tensor& values, std::int64_t components) {
    const auto outputs = mixtures.contiguous(), targets = values.contiguous();
    auto gradient = torch::empty_like(outputs);
    const auto rows = outputs.size(0), width = outputs.size(1), dims = targets.size(1);
    // Added up chunk by chunk: the sum is the same however many threads there are.
    constexpr std::int64_t chunk = 64;
    const auto parts = torch::zeros({(rows + chunk - 1) / chunk}, torch::kFloat64);
    on_threads(parts.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto number = begin; number < end; ++number) {
        const auto first = number * chunk, last = std::min(rows, first + chunk);
        parts.data_ptr<double>()[number] =
            mixture_nll_gradient((last - first) * dims, components, outputs.data_ptr<float>() + first * width,
                                 targets.data_ptr<float>() + first * dims, gradient.data_ptr<float>() + first * width);
      }
    });
    const double scale = 1.0 / static_cast<double>(rows * dims);
    context->save_for_backward({gradient.mul_(scale)});
    return torch::full({}, parts.sum().item<double>() * scale, outputs.options());
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    return {context->get_saved_variables()[0] * gradients[0], torch::Tensor(), torch::Tensor()};
  }
};

MdnRnnOptions checked(const MdnRnnOptions& options) {
  if (options.mixtures < 1 || options.mixtures > most_mixtures) {
    throw Error("m.mixtures is " + std::to_string(options.mixtures) + "; M takes 1 to " +
                std::to_string(most_mixtures));
  }
  if (options.heads && options.restarts) throw Error("m.heads and m.restarts are two ways to end an episode; M takes one of them");
  return options;
}

}  // namespace

MdnRnnImpl::MdnRnnImpl(const MdnRnnOptions& options)
    : options_(checked(options)),
      lstm_(register_module("lstm", Lstm(options.latent_size + options.action_size + (options.restarts ? 1 : 0), options.hidden_size))) {
  const auto outputs = mixture_outputs() + (options.heads ? 2 : options.restarts ? 1 : 0);
  output_weight_ = register_parameter("output_weight", torch::empty({options.hidden_size, outputs}));
  output_bias_ = register_parameter("output_bias", torch::zeros({outputs}));
  torch::nn::init::xavier_uniform_(output_weight_);
}

void MdnRnnImpl::set_bfloat16(bool on) {
  bfloat16_ = on;
  lstm_->set_bfloat16(on);
}

torch::Tensor MdnRnnImpl::head(const torch::Tensor& h, bool bfloat16) {
  const auto rows = h.reshape({-1, options_.hidden_size});
  if (!bfloat16) return torch::addmm(output_bias_, rows, output_weight_);
  return torch::mm(rows.to(torch::kBFloat16), output_weight_.to(torch::kBFloat16)).to(torch::kFloat32) + output_bias_;
}

MdnRnnImpl::Output MdnRnnImpl::output(const torch::Tensor& h) {
  const auto flat = head(h);
  const auto shape = h.sizes().slice(0, h.dim() - 1);
  auto out = mixtures_of(flat.slice(1, 0, mixture_outputs()), shape);
  const auto heads = heads_of(flat.slice(1, mixture_outputs()), shape);
  out.reward = heads.reward, out.done_logit = heads.done_logit;
  return out;
}

MdnRnnImpl::Output MdnRnnImpl::mixtures_of(const torch::Tensor& flat, c10::IntArrayRef shape) const {
  const auto dims = options_.latent_size, components = options_.mixtures;
  const auto shaped = [&](const torch::Tensor& columns, std::int64_t rows, std::int64_t width) {
    auto sizes = shape.vec();
    sizes.insert(sizes.end(), {rows, width});
    return columns.reshape(sizes);
  };
  Output out;
  out.joint = options_.joint;
  if (out.joint) {
    const auto numbers = 2 * dims * components;
    const auto parts = shaped(flat.slice(1, 0, numbers), dims, 2 * components).chunk(2, -1);
    out.mean = parts[0], out.log_deviation = parts[1];
    out.log_weights = torch::log_softmax(shaped(flat.slice(1, numbers), 1, components), -1).expand(out.mean.sizes());
    return out;
  }
  const auto parts = shaped(flat, dims, 3 * components).chunk(3, -1);
  out.log_weights = torch::log_softmax(parts[0], -1), out.mean = parts[1], out.log_deviation = parts[2];
  return out;
}

MdnRnnImpl::Output MdnRnnImpl::heads_of(const torch::Tensor& flat, c10::IntArrayRef shape) const {
  Output out;
  if (options_.heads) out.reward = flat.select(1, 0).reshape(shape);
  if (options_.heads || options_.restarts) out.done_logit = flat.select(1, options_.heads ? 1 : 0).reshape(shape);
  return out;
}

MdnRnnImpl::Output MdnRnnImpl::outcome(const torch::Tensor& h) {
  const auto flat = torch::addmm(output_bias_.slice(0, mixture_outputs()), h.reshape({-1, options_.hidden_size}),
                                 output_weight_.slice(1, mixture_outputs()));
  return heads_of(flat, h.sizes().slice(0, h.dim() - 1));
}

LstmState MdnRnnImpl::step(const torch::Tensor& z, const torch::Tensor& action, const LstmState& state, const torch::Tensor& first) {
  return lstm_->step(options_.restarts ? torch::cat({z, action, first}, 1) : torch::cat({z, action}, 1), state);
}

MdnRnnImpl::Draw MdnRnnImpl::sample(const Output& output, double tau_mixture, double tau_sigma, at::Generator rng) {
  const auto options = output.mean.options();
  const auto shape = output.mean.sizes().slice(0, output.mean.dim() - 1);
  const auto log_weights = output.joint ? output.log_weights.slice(-2, 0, 1) : output.log_weights;
  // The inverse of the cumulative weights; a rounding error at the end falls on the last component.
  const auto cumulative = torch::softmax(log_weights / tau_mixture, -1).cumsum(-1);
  const auto uniform = torch::rand(cumulative.sizes().slice(0, cumulative.dim() - 1), rng, options).unsqueeze(-1);
  auto component = (uniform > cumulative).sum(-1, true).clamp_max(output.mean.size(-1) - 1);
  if (output.joint) component = component.expand_as(output.mean.slice(-1, 0, 1)).contiguous();
  const auto mean = output.mean.gather(-1, component).squeeze(-1);
  const auto deviation = output.log_deviation.gather(-1, component).squeeze(-1).exp();
  const auto noise = torch::randn(shape, rng, options);
  return {mean + deviation * std::sqrt(tau_sigma) * noise, component.squeeze(-1)};
}

MdnRnnImpl::Draw MdnRnnImpl::draw(const torch::Tensor& h, double tau_mixture, double tau_sigma, at::Generator rng) {
  if (options_.joint || !kernels_serve(h)) return sample(output(h), tau_mixture, tau_sigma, rng);
  const auto flat = head(h, bfloat16_ && h.size(0) >= 256);  // [B, outputs]; the heads' columns, if any, come last
  const auto batch = flat.size(0), width = flat.size(1), dims = options_.latent_size;
  const auto uniform = torch::rand({batch, dims}, rng, flat.options());
  const auto normal = torch::randn({batch, dims}, rng, flat.options());
  Draw draw{torch::empty({batch, dims}, flat.options()), torch::empty({batch, dims}, torch::kInt64)};
  on_threads(batch, 32, [&](std::int64_t first, std::int64_t last) {
    for (auto row = first; row < last; ++row) {
      mixture_sample(dims, options_.mixtures, flat.data_ptr<float>() + row * width, static_cast<float>(tau_mixture),
                     static_cast<float>(std::sqrt(tau_sigma)), uniform.data_ptr<float>() + row * dims,
                     normal.data_ptr<float>() + row * dims, draw.z.data_ptr<float>() + row * dims,
                     draw.component.data_ptr<std::int64_t>() + row * dims);
    }
  });
  return draw;
}

MdnRnnImpl::Loss MdnRnnImpl::loss(const torch::Tensor& z, const torch::Tensor& actions, const torch::Tensor& rewards,
                                  const torch::Tensor& dones) {
  const auto steps = actions.size(0), batch = actions.size(1);
  check_shape(z, {steps + 1, batch, options_.latent_size}, "z");
  check_shape(actions, {steps, batch, options_.action_size}, "actions");
  const auto h = lstm_->scan(torch::cat({z.slice(0, 0, steps), actions}, 2), lstm_->initial(batch));
  const auto flat = head(h, bfloat16_);
  Loss loss;
  loss.nll = nll_of(flat.slice(1, 0, mixture_outputs()), z.slice(0, 1).reshape({steps * batch, options_.latent_size}));
  loss.total = loss.nll;
  if (options_.heads) {
    check_shape(rewards, {steps, batch}, "rewards");
    check_shape(dones, {steps, batch}, "dones");
    const auto extra = flat.slice(1, mixture_outputs()).view({steps, batch, 2});
    loss.reward = (extra.select(2, 0) - rewards).square().mean();
    loss.done = torch::binary_cross_entropy_with_logits(extra.select(2, 1), dones);
    loss.total = loss.total + (loss.reward + loss.done) / static_cast<double>(options_.latent_size);
  }
  return loss;
}

torch::Tensor MdnRnnImpl::nll_of(const torch::Tensor& mixtures, const torch::Tensor& targets) {
  if (!options_.joint && kernels_serve(mixtures)) return MixtureLoss::apply(mixtures, targets, options_.mixtures);
  const auto out = mixtures_of(mixtures, {targets.size(0)});
  if (options_.joint) return latent_nll(out, targets).mean() / static_cast<double>(options_.latent_size);
  return mixture_nll(targets, out.log_weights, out.mean, out.log_deviation).mean();
}

MdnRnnImpl::Loss MdnRnnImpl::episodes_loss(const torch::Tensor& z, const torch::Tensor& actions, const torch::Tensor& dones,
                                           const torch::Tensor& lengths) {
  const auto steps = actions.size(0), batch = actions.size(1);
  check_shape(z, {steps + 1, batch, options_.latent_size}, "z");
  check_shape(actions, {steps, batch, options_.action_size}, "actions");
  check_shape(dones, {steps, batch}, "dones");
  check_shape(lengths, {batch}, "lengths");
  const auto times = torch::arange(steps, lengths.options()).unsqueeze(1);
  const auto first = (times == 0).to(z.scalar_type()).expand({steps, batch}).unsqueeze(2);
  const auto h = lstm_->scan(torch::cat({z.slice(0, 0, steps), actions, first}, 2), lstm_->initial(batch));
  // The heads see the steps that were lived alone.
  const auto lived = (times < lengths).flatten().nonzero().squeeze(1);
  const auto flat = head(h.reshape({steps * batch, -1}).index_select(0, lived), bfloat16_);
  const auto ends = dones.flatten().index_select(0, lived);
  const auto onward = (ends < 0.5).nonzero().squeeze(1);
  Loss loss;
  loss.nll = nll_of(flat.slice(1, 0, mixture_outputs()).index_select(0, onward),
                    z.slice(0, 1).reshape({steps * batch, -1}).index_select(0, lived.index_select(0, onward)));
  loss.done = torch::binary_cross_entropy_with_logits(flat.select(1, mixture_outputs()), ends, 1 + (end_weight - 1) * ends);
  loss.total = loss.nll + loss.done;
  return loss;
}

torch::Tensor mixture_nll(const torch::Tensor& value, const torch::Tensor& log_weights, const torch::Tensor& mean,
                          const torch::Tensor& log_deviation) {
  const auto standardised = (value.unsqueeze(-1) - mean) * torch::exp(-log_deviation);
  return -torch::logsumexp(log_weights - 0.5 * standardised.square() - log_deviation - half_log_two_pi, -1);
}

torch::Tensor latent_nll(const MdnRnnImpl::Output& output, const torch::Tensor& z) {
  if (!output.joint) return mixture_nll(z, output.log_weights, output.mean, output.log_deviation).sum(-1);
  const auto standardised = (z.unsqueeze(-1) - output.mean) * torch::exp(-output.log_deviation);
  const auto of_each = (-0.5 * standardised.square() - output.log_deviation - half_log_two_pi).sum(-2);  // [..., K]
  return -torch::logsumexp(output.log_weights.select(-2, 0) + of_each, -1);
}

}  // namespace dream
