#include "core/nn/token_steps.h"

#include <algorithm>
#include <cmath>

#include "core/nn/bf16_bits.h"
#include "core/nn/kernel_path.h"
#include "core/nn/norm_kernel.h"
#include "core/nn/precision.h"
#include "core/nn/threads.h"
#include "core/nn/token_kernel.h"

namespace dream {
namespace {

constexpr std::int64_t lanes_at_once = 8;  // whose numbers between two layers stay in the cache

/// [out, in] -> [out / 64, in, 64].
torch::Tensor packed_tokens(const torch::Tensor& weight, at::ScalarType type) {
  return weight.detach().view({-1, token_columns, weight.size(1)}).transpose(1, 2).to(type).contiguous();
}

}  // namespace

TokenSteps::TokenSteps(Transformer stack, const TransformerOptions& options, std::int64_t led)
    : stack_(std::move(stack)), options_(options), led_(led) {
  const auto all = stack_->named_parameters();
  for (std::int64_t i = 0; i < options.layers; ++i) {
    const auto of = [&](const std::string& name) { return all["block" + std::to_string(i) + "_" + name]; };
    Layer layer;
    layer.norm1_scale = of("norm1.scale"), layer.norm1_shift = of("norm1.shift");
    layer.qkv_weight = of("qkv.weight"), layer.qkv_bias = of("qkv.bias");
    layer.attended_weight = of("attended.weight"), layer.attended_bias = of("attended.bias");
    layer.norm2_scale = of("norm2.scale"), layer.norm2_shift = of("norm2.shift");
    layer.up_weight = of("up.weight"), layer.up_bias = of("up.bias");
    layer.down_weight = of("down.weight"), layer.down_bias = of("down.bias");
    layers_.push_back(std::move(layer));
  }
  norm_scale_ = all["norm.scale"], norm_shift_ = all["norm.shift"];
}

std::vector<std::int64_t> TokenSteps::page_shape(std::int64_t batch, std::int64_t slots) const {
  return {batch, options_.layers, slots, 2 * options_.width};
}

torch::Tensor TokenSteps::next(const torch::Tensor& x, const TokenPages& past, torch::Tensor& page, std::int64_t slot) {
  torch::NoGradGuard no_grad;
  const bool fits = options_.width % token_columns == 0 && options_.width / options_.heads % vector_block == 0;
  return fits && kernels_serve(x) ? by_kernels(x, past, page, slot) : by_library(x, past, page, slot);
}

void TokenSteps::pack() {
  std::vector<std::pair<const void*, std::uint32_t>> now;
  for (const auto& layer : layers_) {
    for (const auto* weight : {&layer.qkv_weight, &layer.attended_weight, &layer.up_weight, &layer.down_weight})
      now.emplace_back(weight->const_data_ptr(), weight->_version());
  }
  if (now == packed_from_ && packed_bfloat16_ == bfloat16_) return;
  const auto type = bfloat16_ ? torch::kBFloat16 : torch::kFloat32;
  for (auto& layer : layers_) {
    layer.qkv = packed_tokens(layer.qkv_weight, type);
    layer.attended = packed_tokens(layer.attended_weight, type);
    layer.up = packed_tokens(layer.up_weight, type);
    layer.down = packed_tokens(layer.down_weight, type);
  }
  packed_from_ = std::move(now), packed_bfloat16_ = bfloat16_;
}

torch::Tensor TokenSteps::by_kernels(const torch::Tensor& tokens, const TokenPages& past, torch::Tensor& page, std::int64_t slot) {
  pack();
  const auto x = tokens.to(torch::kFloat32).contiguous();
  auto out = torch::empty_like(x);
  const auto work = x.size(1) * options_.layers * options_.width * options_.width * 12;
  on_threads(x.size(0), std::max<std::int64_t>(1, (1 << 24) / work), [&](std::int64_t first, std::int64_t last) {
    for (auto lane = first; lane < last; lane += lanes_at_once) {
      const auto end = std::min(last, lane + lanes_at_once);
      if (bfloat16_) run_lanes<at::BFloat16>(lane, end, x, past, page, slot, out);
      else run_lanes<float>(lane, end, x, past, page, slot, out);
    }
  });
  return out;
}

template <typename W>
void TokenSteps::run_lanes(std::int64_t first, std::int64_t last, const torch::Tensor& x, const TokenPages& past,
                           torch::Tensor& page, std::int64_t slot, torch::Tensor& out) const {
  const auto d = options_.width, heads = options_.heads, tokens = x.size(1), slots = page.size(2), lanes = last - first,
             rows = lanes * tokens, frames = static_cast<std::int64_t>(past.pages.size());
  const auto of_page = page.stride(0), of_layer = page.stride(1), of_slot = page.stride(2);
  // Where each lane's tokens lie, in the first layer: those of earlier frames, then this page's.
  std::vector<std::vector<const float*>> keys(static_cast<std::size_t>(lanes));
  std::vector<std::int64_t> before(static_cast<std::size_t>(lanes));  // of earlier frames
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    auto& list = keys[static_cast<std::size_t>(lane)];
    const auto count = past.count.const_data_ptr<std::int64_t>()[first + lane];
    for (auto frame = frames - count; frame < frames; ++frame) {
      const auto& kept = past.pages[static_cast<std::size_t>(frame)];
      const float* from = kept.const_data_ptr<float>() + (first + lane) * kept.stride(0);
      for (std::int64_t s = frame == frames - count ? led_ : 0; s < slots; ++s) list.push_back(from + s * kept.stride(2));
    }
    before[static_cast<std::size_t>(lane)] = static_cast<std::int64_t>(list.size());
    const float* from = page.const_data_ptr<float>() + (first + lane) * of_page;
    for (std::int64_t s = count == 0 ? led_ : 0; s < slots; ++s) list.push_back(from + s * of_slot);
  }
  std::size_t most = 0;
  for (const auto& list : keys) most = std::max(most, list.size());
  std::vector<float> scratch(static_cast<std::size_t>(rows * (2 * d + 4 * d) + 2 * rows) + static_cast<std::size_t>(heads) * most);
  float *normed = scratch.data(), *seen = normed + rows * d, *wide = seen + rows * d, *moments = wide + rows * 4 * d,
        *scores = moments + 2 * rows;
  float* state = out.mutable_data_ptr<float>() + first * tokens * d;
  std::copy_n(x.const_data_ptr<float>() + first * tokens * d, rows * d, state);
  const NormShape norm{d, static_cast<float>(options_.eps), true};
  const auto number = [](const torch::Tensor& t) { return t.const_data_ptr<float>(); };
  const auto weight = [](const torch::Tensor& t) { return bits(t.const_data_ptr<W>()); };
  for (std::int64_t l = 0; l < options_.layers; ++l) {
    const auto& layer = layers_[static_cast<std::size_t>(l)];
    norm_forward(norm, rows, state, number(layer.norm1_scale), number(layer.norm1_shift), normed, moments);
    token_product(rows, d, 3 * d, normed, weight(layer.qkv), number(layer.qkv_bias), wide, false);
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      float* to = page.mutable_data_ptr<float>() + (first + lane) * of_page + l * of_layer + slot * of_slot;
      for (std::int64_t t = 0; t < tokens; ++t)
        std::copy_n(wide + (lane * tokens + t) * 3 * d + d, 2 * d, to + t * of_slot);
    }
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto& list = keys[static_cast<std::size_t>(lane)];
      const auto early = before[static_cast<std::size_t>(lane)];
      const auto hidden = early == 0 ? led_ : 0;  // the first slots of this page
      for (std::int64_t t = 0; t < tokens; ++t) {
        const auto row = lane * tokens + t;
        const auto count = early + slot + t + 1 - hidden;
        if (count <= 0) {  // what nobody looks at, itself included
          std::copy_n(wide + row * 3 * d + 2 * d, d, seen + row * d);
          continue;
        }
        token_attention(heads, d / heads, count, wide + row * 3 * d, list.data(), l * of_layer, seen + row * d, scores);
      }
    }
    token_product(rows, d, d, seen, weight(layer.attended), number(layer.attended_bias), state, true);
    norm_forward(norm, rows, state, number(layer.norm2_scale), number(layer.norm2_shift), normed, moments);
    token_product(rows, d, 4 * d, normed, weight(layer.up), number(layer.up_bias), wide, false);
    token_gelu(rows * 4 * d, wide);
    token_product(rows, 4 * d, d, wide, weight(layer.down), number(layer.down_bias), state, true);
  }
  std::copy_n(state, rows * d, normed);
  norm_forward(norm, rows, normed, number(norm_scale_), number(norm_shift_), state, moments);
}

torch::Tensor TokenSteps::by_library(const torch::Tensor& tokens, const TokenPages& past, torch::Tensor& page, std::int64_t slot) {
  const auto batch = tokens.size(0), count = tokens.size(1), d = options_.width, heads = options_.heads, each = d / heads,
             slots = page.size(2), frames = static_cast<std::int64_t>(past.pages.size());
  const auto scale = 1 / std::sqrt(static_cast<double>(each));
  // Which of all slots each lane may look at [B, 1, R, (frames + 1) · slots].
  const auto at = torch::arange((frames + 1) * slots, past.count.options());
  const auto oldest = ((frames - past.count) * slots).unsqueeze(1);  // where what it has begins
  const auto there = (at >= oldest + led_).view({batch, 1, 1, -1});
  const auto own = torch::arange(count, at.options()) + frames * slots + slot;
  const auto visible = (there & (at.view({1, -1}) <= own.view({-1, 1}))) | (at.view({1, -1}) == own.view({-1, 1}));
  const auto as_linear = [](const torch::Tensor& x, const torch::Tensor& w, const torch::Tensor& b) {
    return torch::linear(x, w.to(x.scalar_type()), b.to(x.scalar_type()));
  };
  auto x = tokens;
  for (std::int64_t l = 0; l < options_.layers; ++l) {
    const auto& layer = layers_[static_cast<std::size_t>(l)];
    const auto asked = as_linear(torch::layer_norm(x, {d}, layer.norm1_scale, layer.norm1_shift, options_.eps), layer.qkv_weight, layer.qkv_bias);
    page.select(1, l).narrow(1, slot, count).copy_(asked.slice(2, d));
    std::vector<torch::Tensor> all;
    for (const auto& kept : past.pages) all.push_back(kept.select(1, l));
    all.push_back(page.select(1, l));
    const auto parts = torch::cat(all, 1).view({batch, -1, 2, heads, each}).permute({2, 0, 3, 1, 4});  // [2, B, H, slots, each]
    const auto query = asked.slice(2, 0, d).view({batch, count, heads, each}).transpose(1, 2);
    const auto looks = (query.matmul(parts[0].transpose(-1, -2)) * scale).masked_fill(visible.logical_not(), -1e30).softmax(-1);
    x = x + as_linear(looks.matmul(parts[1]).transpose(1, 2).reshape({batch, count, d}), layer.attended_weight, layer.attended_bias);
    const auto between = as_linear(torch::layer_norm(x, {d}, layer.norm2_scale, layer.norm2_shift, options_.eps), layer.up_weight, layer.up_bias);
    x = x + as_linear(torch::gelu(between), layer.down_weight, layer.down_bias);
  }
  return torch::layer_norm(x, {d}, norm_scale_, norm_shift_, options_.eps);
}

}  // namespace dream
