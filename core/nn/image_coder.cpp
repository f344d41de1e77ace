#include "core/nn/image_coder.h"

#include <array>

#include "core/nn/pool.h"
#include "core/nn/shape.h"

namespace dream {
namespace {

constexpr std::array<int, 4> deconv_kernels = {5, 5, 6, 6};

std::vector<std::int64_t> depths_of(const CoderOptions& o) {
  if (o.kind == Coder::pool) return {2 * o.depth, 3 * o.depth, 4 * o.depth, 4 * o.depth};
  return {o.depth, 2 * o.depth, 4 * o.depth, 8 * o.depth};
}

/// V3-23 puts no bias before a norm.
bool needs_bias(const CoderOptions& o, bool normed) {
  return !normed || o.style.norm == Norm::none || o.style.bias_with_norm;
}

template <typename Layer>
Layer begun(Layer layer, const CoderOptions& o, bool transposed = false, double scale = 1) {
  const auto& w = layer->weight;
  const auto area = w.size(2) * w.size(3);
  begin_weight(w, w.size(transposed ? 0 : 1) * area, w.size(transposed ? 1 : 0) * area, o.style.init, scale);
  w.set_data(w.contiguous(at::MemoryFormat::ChannelsLast));
  torch::NoGradGuard no_grad;
  if (layer->bias.defined()) layer->bias.zero_();
  return layer;
}

/// The norm of each pixel's channels, activated.
torch::Tensor norm_channels(NormLayer& norm, const torch::Tensor& x, Act act) {
  return norm(x.permute({0, 2, 3, 1}), act).permute({0, 3, 1, 2});
}

constexpr std::int64_t fold_from = 256;  // pixels of a batch: below, adding up the weights takes longer than it saves

/// `conv` (kernel 5, padding 2) of the nearest doubling of x, without the doubling: of the 5 taps of a row, those that
/// fall on the same pixel of x are added first, which leaves 3; which ones depends on whether the output's row is even
/// or odd. So one convolution of kernel 3 at x's own size makes all four kinds of pixel: [N, H, W, 2, 2, out], rows'
/// parity first. 9 products in the place of 25.
torch::Tensor conv_of_doubled(torch::nn::Conv2d& conv, const torch::Tensor& x) {
  static const auto fold = [] {
    const auto row = torch::tensor(
        {{1, 1, 0, 0, 0}, {0, 0, 1, 1, 0}, {0, 0, 0, 0, 1}, {1, 0, 0, 0, 0}, {0, 1, 1, 0, 0}, {0, 0, 0, 1, 1}},
        torch::kFloat32);
    return torch::kron(row, row).t().contiguous();  // [5·5, 2·3·2·3]
  }();
  const auto& w = conv->weight;
  const auto out = w.size(0), in = w.size(1);
  if (x.size(0) * x.size(2) * x.size(3) < fold_from) {
    const auto y = conv(torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
    return y.permute({0, 2, 3, 1})
        .unflatten(2, {x.size(3), 2})
        .unflatten(1, {x.size(2), 2})
        .permute({0, 1, 3, 2, 4, 5});
  }
  torch::Tensor folded;
  {
    const c10::impl::ExcludeDispatchKeyGuard exact(c10::autocast_dispatch_keyset);
    folded = torch::mm(w.reshape({out * in, 25}), fold.to(w.device()))
                 .view({out, in, 2, 3, 2, 3})
                 .permute({2, 4, 0, 1, 3, 5});
    folded = folded.reshape({4 * out, in, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  }
  const auto bias = conv->bias.defined() ? conv->bias.repeat({4}) : conv->bias;
  return torch::conv2d(x, folded, bias, 1, 1).permute({0, 2, 3, 1}).unflatten(-1, {2, 2, out});
}

/// [N, H, W, 2, 2, C] -> [N, C, 2H, 2W], channels-last.
torch::Tensor interleaved(const torch::Tensor& x) {
  return x.permute({0, 1, 3, 2, 4, 5})
      .reshape({x.size(0), 2 * x.size(1), 2 * x.size(2), x.size(5)})
      .permute({0, 3, 1, 2});
}

}  // namespace

ImageEncoderImpl::ImageEncoderImpl(const CoderOptions& options) : options_(options) {
  std::int64_t in = options.channels;
  const bool normed = options.style.norm != Norm::none;
  for (const auto depth : depths_of(options)) {
    const auto index = std::to_string(convs_.size());
    const bool pool = options.kind == Coder::pool;
    auto conv =
        torch::nn::Conv2dOptions(in, depth, pool ? 5 : 4).stride(pool ? 1 : 2).bias(needs_bias(options, normed));
    conv.padding(pool ? 2 : options.kind == Coder::same ? 1 : 0);
    convs_.push_back(register_module("conv" + index, begun(torch::nn::Conv2d(conv), options)));
    norms_.push_back(register_module("norm" + index, NormLayer(depth, options.style)));
    in = depth;
  }
  size_ = in * (options.kind == Coder::valid ? 4 : 16);
}

torch::Tensor ImageEncoderImpl::forward(torch::Tensor x) {
  check_shape(x, {-1, options_.channels, 64, 64}, "image");
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    x = convs_[i](x);
    if (options_.kind == Coder::pool) x = max_pool(x);
    const auto& style = options_.style;
    if (style.norm != Norm::none) {
      x = norm_channels(norms_[i], x, style.act);
    } else if (style.act == Act::relu && options_.kind != Coder::pool) {
      x.relu_();  // a convolution's gradient asks for what went in, not for what came out
    } else {
      x = activate(x, style.act);
    }
  }
  return x.permute({0, 2, 3, 1}).flatten(1);
}

ImageDecoderImpl::ImageDecoderImpl(std::int64_t latent_size, std::int64_t deter, const CoderOptions& options)
    : options_(options) {
  const auto depths = depths_of(options);
  const auto& style = options.style;
  const bool normed = style.norm != Norm::none;
  const auto add_norm = [&](std::int64_t size) {
    norms_.push_back(register_module("norm" + std::to_string(norms_.size()), NormLayer(size, style)));
  };
  if (options.kind == Coder::pool) {
    const auto area = 16 * depths[3];
    block_ = register_module("block", BlockLinear(deter, area, options.blocks, style.init));
    stochastic_ = register_module("stochastic", Dense(latent_size, 2 * options.units, style));
    space_ = register_module("space", make_output(2 * options.units, area, style.init, 1));
    space_norm_ = register_module("space_norm", NormLayer(depths[3], style));
    for (int i = 3; i >= 0; --i) {
      const auto index = static_cast<std::size_t>(i);
      const auto out = i > 0 ? depths[index - 1] : options.channels;
      auto conv = torch::nn::Conv2dOptions(depths[index], out, 5).padding(2);
      convs_.push_back(register_module("conv" + std::to_string(i), begun(torch::nn::Conv2d(conv), options)));
      if (i > 0) add_norm(out);
    }
    return;
  }
  const bool valid = options.kind == Coder::valid;
  const auto widest = valid ? 32 * options.depth : depths[3];
  dense_ = register_module("dense", make_output(latent_size + deter, valid ? widest : 16 * widest, style.init, 1));
  std::int64_t in = widest;
  for (int i = 0; i < 4; ++i) {
    const auto out = i < 3 ? depths[static_cast<std::size_t>(2 - i)] : options.channels;
    auto deconv = torch::nn::ConvTranspose2dOptions(in, out, valid ? deconv_kernels[static_cast<std::size_t>(i)] : 4);
    deconv.stride(2).padding(valid ? 0 : 1).bias(needs_bias(options, normed && i < 3));
    deconvs_.push_back(
        register_module("deconv" + std::to_string(i), begun(torch::nn::ConvTranspose2d(deconv), options, true)));
    if (i < 3) add_norm(out);
    in = out;
  }
}

torch::Tensor ImageDecoderImpl::first(const torch::Tensor& z, const torch::Tensor& h) {
  if (options_.kind == Coder::valid) return apply_linear(dense_, torch::cat({z, h}, 1)).view({z.size(0), -1, 1, 1});
  if (options_.kind == Coder::same) {
    return apply_linear(dense_, torch::cat({z, h}, 1)).view({z.size(0), 4, 4, -1}).permute({0, 3, 1, 2});
  }
  // Each block of h paints its own channels of every pixel; z reaches all of them.
  const auto n = z.size(0), g = options_.blocks;
  const auto from_h =
      block_(h.view({n, g, -1})).reshape({n, g, 4, 4, -1}).permute({0, 2, 3, 1, 4}).reshape({n, 4, 4, -1});
  const auto from_z = apply_linear(space_, stochastic_(z)).view_as(from_h);
  return space_norm_(from_h + from_z, options_.style.act).permute({0, 3, 1, 2});
}

torch::Tensor ImageDecoderImpl::forward(const torch::Tensor& z, const torch::Tensor& h) {
  auto x = first(z, h);
  const auto act = options_.style.act;
  const bool normed = options_.style.norm != Norm::none;
  for (std::size_t i = 0; i < 4; ++i) {
    if (options_.kind == Coder::pool) {
      x = conv_of_doubled(convs_[i], x);
      if (i < 3) x = normed ? norms_[i](x, act) : activate(x, act);
      x = interleaved(x);
    } else {
      x = deconvs_[i](x);
      if (i < 3) x = normed ? norm_channels(norms_[i], x, act) : activate(x, act);
    }
  }
  return x;
}

}  // namespace dream
