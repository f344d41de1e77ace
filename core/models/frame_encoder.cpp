#include "core/models/frame_encoder.h"

#include <algorithm>

#include "core/nn/bf16_bits.h"
#include "core/nn/product_kernel.h"
#include "core/nn/stride_two_kernel.h"
#include "core/nn/threads.h"
#include "core/nn/torch.h"

namespace dream {
namespace {

constexpr std::int64_t frame_group = 32;  // of one thread
constexpr std::int64_t early_bytes = 16;  // frames of the large first layers at once, times a number's bytes: what they
                                          // make stays in the cache

/// A 4 × 4 kernel [O, C, 4, 4] as the nine matrices of the products [9, 4·C, O].
torch::Tensor winograd_weights(const torch::Tensor& weight) {
  const auto outputs = weight.size(0), channels = weight.size(1);
  const auto taps = weight.contiguous()
                        .view({outputs, channels, 2, 2, 2, 2})
                        .permute({2, 4, 3, 5, 1, 0})
                        .reshape({2, 2, 4 * channels, outputs});
  const auto across = [](const torch::Tensor& g) { return torch::stack({g[0], g[0] + g[1], g[1]}); };
  const auto rows = across(taps);  // [3, 2, ...]
  return torch::stack({rows.select(1, 0), rows.select(1, 0) + rows.select(1, 1), rows.select(1, 1)}, 1)
      .reshape({9, 4 * channels, outputs});
}

/// [..., K, N] as packed_product takes it.
torch::Tensor packed(const torch::Tensor& weight) {
  auto sizes = weight.sizes().vec();
  sizes.back() /= product_columns;
  sizes.push_back(product_columns);
  return weight.reshape(sizes).transpose(-3, -2).contiguous();
}

/// max(0, convolution + bias) of [n, H, W, C] -> [n, H', W', O]. `weight`: [9, 4·C, O], packed when it is float32.
torch::Tensor convolve(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias) {
  const StrideTwo shape{input.size(1), input.size(3)};
  const auto frames = input.size(0), across = shape.tiles(), outputs = bias.size(0);
  const auto rows = frames * across * across, inner = 4 * shape.channels;
  auto tiles = torch::empty({9, rows, inner}, weight.options());
  auto output = torch::empty({frames, 2 * across, 2 * across, outputs}, input.options());
  const auto* from = input.const_data_ptr<float>();
  const auto* added = bias.const_data_ptr<float>();
  auto* to = output.mutable_data_ptr<float>();
  if (weight.scalar_type() == torch::kFloat32) {
    winograd_tiles(shape, frames, from, tiles.mutable_data_ptr<float>());
    auto products = torch::empty({9, rows, outputs});
    for (std::int64_t k = 0; k < 9; ++k) {
      packed_product(rows, inner, outputs, tiles.const_data_ptr<float>() + k * rows * inner,
                     weight.const_data_ptr<float>() + k * inner * outputs, nullptr,
                     products.mutable_data_ptr<float>() + k * rows * outputs);
    }
    winograd_outputs(shape, frames, outputs, products.const_data_ptr<float>(), added, to);
  } else {
    winograd_tiles(shape, frames, from, bits(tiles.mutable_data_ptr<at::BFloat16>()));
    winograd_outputs(shape, frames, outputs, bits(torch::bmm(tiles, weight).const_data_ptr<at::BFloat16>()), added, to);
  }
  return output;
}

}  // namespace

torch::Tensor FrameEncoder::operator()(const std::vector<torch::Tensor>& layers, const torch::Tensor& frames,
                                       bool bfloat16) {
  prepare(layers, bfloat16);
  const auto all = frames.contiguous();
  const auto count = all.size(0);
  auto out = torch::empty({count, prepared_.last_bias.size(0)});
  on_threads((count + frame_group - 1) / frame_group, 1, [&](std::int64_t first, std::int64_t last) {
    torch::NoGradGuard no_grad;
    for (auto number = first; number < last; ++number) {
      const auto from = number * frame_group, to = std::min(count, from + frame_group);
      out.slice(0, from, to).copy_(group(all.slice(0, from, to)));
    }
  });
  return out;
}

torch::Tensor FrameEncoder::group(const torch::Tensor& frames) const {
  const auto& p = prepared_;
  const auto early_frames = early_bytes / static_cast<std::int64_t>(p.winograd[0].element_size());
  std::vector<torch::Tensor> early;
  for (std::int64_t from = 0; from < frames.size(0); from += early_frames) {
    const auto some = frames.slice(0, from, std::min(frames.size(0), from + early_frames));
    auto x = torch::empty({some.size(0), 31, 31, 32});
    const auto* bytes = some.const_data_ptr<std::uint8_t>();
    const auto* bias = p.first_bias.const_data_ptr<float>();
    auto* to = x.mutable_data_ptr<float>();
    if (p.first.scalar_type() == torch::kBFloat16)
      first_convolution_narrow(some.size(0), bytes, bits(p.first.const_data_ptr<at::BFloat16>()), bias, to);
    else
      first_convolution(some.size(0), bytes, p.first.const_data_ptr<float>(), bias, to);
    early.push_back(convolve(x, p.winograd[0], p.biases[0]));
  }
  auto x = convolve(torch::cat(early), p.winograd[1], p.biases[1]);
  x = convolve(x, p.winograd[2], p.biases[2]).view({frames.size(0), 1024});
  const auto outputs = p.last_bias.size(0);
  auto out = torch::empty({frames.size(0), outputs});
  packed_product(frames.size(0), 1024, outputs, x.const_data_ptr<float>(), p.last.const_data_ptr<float>(),
                 p.last_bias.const_data_ptr<float>(), out.mutable_data_ptr<float>());
  return out;
}

void FrameEncoder::prepare(const std::vector<torch::Tensor>& layers, bool bfloat16) {
  std::vector<std::pair<const void*, std::uint32_t>> now;
  for (const auto& tensor : layers) now.emplace_back(tensor.const_data_ptr(), tensor._version());
  if (prepared_.bfloat16 == bfloat16 && prepared_.made_from == now) return;
  torch::NoGradGuard no_grad;
  Prepared fresh;
  // Bytes go in as they are: what divides them is in the weights.
  fresh.first = layers[0].permute({2, 3, 1, 0}).reshape({48, 32}).div(255).contiguous();
  if (bfloat16 && first_convolution_narrow_serves())
    fresh.first = fresh.first.view({24, 2, 32}).transpose(1, 2).to(torch::kBFloat16).contiguous();
  fresh.first_bias = layers[1].contiguous();
  for (std::size_t layer = 1; layer < 4; ++layer) {
    const auto weight = winograd_weights(layers[2 * layer]);
    fresh.winograd.push_back(bfloat16 ? weight.to(torch::kBFloat16) : packed(weight));
    fresh.biases.push_back(layers[2 * layer + 1].contiguous());
  }
  // The features lie pixel by pixel here, and channel by channel in the layers.
  const auto both = torch::cat({layers[8], layers[10]});
  const auto spare = (product_columns - both.size(0) % product_columns) % product_columns;
  const auto last = both.view({-1, 256, 4}).permute({2, 1, 0}).reshape({1024, both.size(0)});
  fresh.last = packed(torch::constant_pad_nd(last, {0, spare}));
  fresh.last_bias = torch::constant_pad_nd(torch::cat({layers[9], layers[11]}), {0, spare});
  fresh.bfloat16 = bfloat16;
  fresh.made_from = std::move(now);
  prepared_ = std::move(fresh);
}

}  // namespace dream
