#include "core/models/vae.h"

#include <c10/core/MemoryFormat.h>

#include "core/nn/kernel_path.h"
#include "core/nn/precision.h"
#include "core/nn/shape.h"

namespace dream {
namespace {

torch::nn::Conv2d conv(int in, int out, int kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(2));
}

torch::nn::ConvTranspose2d deconv(int in, int out, int kernel) {
  return torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(in, out, kernel).stride(2));
}

/// The layer with its bias added apart: oneDNN's own bias of a transposed convolution is scalar code, forward and
/// backward, and took an eighth of a training step.
torch::Tensor upscale(torch::nn::ConvTranspose2d& layer, const torch::Tensor& x) {
  const auto made = torch::conv_transpose2d(x, layer->weight, {}, /*stride=*/2);
  return made + layer->bias.to(made.scalar_type()).view({1, -1, 1, 1});
}

}  // namespace

VaeImpl::VaeImpl(std::int64_t latent_size, VaeKind kind)
    : latent_size_(latent_size),
      kind_(kind),
      conv1_(register_module("conv1", conv(3, 32, 4))),
      conv2_(register_module("conv2", conv(32, 64, 4))),
      conv3_(register_module("conv3", conv(64, 128, 4))),
      conv4_(register_module("conv4", conv(128, 256, 4))),
      mean_(register_module("mean", torch::nn::Linear(1024, latent_size))),
      log_variance_(register_module("log_variance", torch::nn::Linear(1024, latent_size))),
      expand_(register_module("expand", torch::nn::Linear(latent_size, 1024))),
      deconv1_(register_module("deconv1", deconv(1024, 128, 5))),
      deconv2_(register_module("deconv2", deconv(128, 64, 5))),
      deconv3_(register_module("deconv3", deconv(64, 32, 6))),
      deconv4_(register_module("deconv4", deconv(32, 3, 6))) {
  // TensorFlow's defaults, which the original relies on: Glorot-uniform weights, zero biases.
  torch::NoGradGuard no_grad;
  for (auto& item : named_parameters()) {
    if (item.value().dim() > 1) {
      torch::nn::init::xavier_uniform_(item.value());
    } else {
      item.value().zero_();
    }
    // deconv1 is used as a matrix, see fold().
    if (item.value().dim() == 4 && item.key() != "deconv1.weight")
      item.value().set_data(item.value().contiguous(at::MemoryFormat::ChannelsLast));
  }
}

torch::Tensor VaeImpl::Posterior::sample(at::Generator rng) const {
  const auto noise = torch::randn(mean.sizes(), rng, mean.options().requires_grad(false));
  return mean + torch::exp(0.5 * log_variance) * noise;
}

VaeImpl::Posterior VaeImpl::encode(const torch::Tensor& frames) {
  check_shape(frames, {-1, 64, 64, 3}, "frames");
  constexpr std::int64_t few = 8;  // one frame is read faster than the nine matrices of its layers
  if (!torch::GradMode::is_enabled() && kernels_serve(frames) && frames.size(0) >= few) {
    const auto both = frame_encoder_({conv1_->weight, conv1_->bias, conv2_->weight, conv2_->bias, conv3_->weight,
                                      conv3_->bias, conv4_->weight, conv4_->bias, mean_->weight, mean_->bias,
                                      log_variance_->weight, log_variance_->bias},
                                     frames, narrow(frames));
    return {both.slice(1, 0, latent_size_).contiguous(), both.slice(1, latent_size_, 2 * latent_size_).contiguous()};
  }
  // NHWC bytes seen as NCHW are channels-last already: no copy but the conversion to float.
  Autocast autocast(narrow(frames), frames.device());
  auto x = frames.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255);
  x = torch::relu(conv1_(x));
  x = torch::relu(conv2_(x));
  x = torch::relu(conv3_(x));
  x = torch::relu(conv4_(x));
  x = x.flatten(1);
  return {mean_(x).to(torch::kFloat32), log_variance_(x).to(torch::kFloat32)};
}

torch::Tensor VaeImpl::decode(const torch::Tensor& z) {
  check_shape(z, {-1, latent_size_}, "z");
  // No activation between the two layers, as in the original: they act as one matrix.
  const bool recorded = torch::GradMode::is_enabled(), folds = kind_ == VaeKind::published;
  const auto kept = recorded || !folds ? Folded() : folded();  // float32, for batches of either precision
  Autocast autocast(narrow(z), z.device());
  torch::Tensor x;
  if (folds) {
    const auto first = recorded ? fold() : kept;
    x = torch::addmm(first.bias, z, first.weight);
  } else {
    x = torch::addmm(deconv1_->bias.repeat_interleave(25), torch::relu(expand_(z)), deconv1_->weight.reshape({1024, 128 * 25}));
  }
  x = torch::relu(x).view({-1, 128, 5, 5});
  x = torch::relu(upscale(deconv2_, x));
  x = torch::relu(upscale(deconv3_, x));
  return torch::sigmoid(upscale(deconv4_, x).to(torch::kFloat32));
}

VaeImpl::Folded VaeImpl::fold() {
  const auto kernel = deconv1_->weight.reshape({1024, 128 * 25});
  return {
      expand_->weight.t().mm(kernel), torch::matmul(expand_->bias, kernel) + deconv1_->bias.repeat_interleave(25), {}};
}

const VaeImpl::Folded& VaeImpl::folded() {
  std::vector<std::pair<const void*, std::int64_t>> now;
  for (const auto& tensor : {expand_->weight, expand_->bias, deconv1_->weight, deconv1_->bias}) {
    now.emplace_back(tensor.data_ptr(), tensor._version());
  }
  if (now == folded_.made_from) return folded_;
  torch::NoGradGuard no_grad;
  folded_ = fold();
  folded_.made_from = std::move(now);
  return folded_;
}

VaeImpl::Loss VaeImpl::loss(const torch::Tensor& frames, at::Generator rng) {
  const auto posterior = encode(frames);
  Loss loss;
  loss.decoded = decode(posterior.sample(rng));
  const auto target = frames.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255);
  loss.reconstruction = (target - loss.decoded).square().sum({1, 2, 3}).mean();
  const auto kl = -0.5 * (1 + posterior.log_variance - posterior.mean.square() - posterior.log_variance.exp()).sum(1);
  loss.kl = kl.mean();
  loss.total = loss.reconstruction + kl.clamp_min(kl_tolerance()).mean();
  return loss;
}

}  // namespace dream
