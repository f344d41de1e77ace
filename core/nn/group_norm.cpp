#include "core/nn/group_norm.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "core/nn/bf16_bits.h"
#include "core/nn/group_norm_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/threads.h"

namespace dream {
namespace {

constexpr std::int64_t pixels_at_once = 64;   // sums of few numbers are exact enough in float32
constexpr std::int64_t norm_grain = 1 << 15;  // numbers that are worth a thread

/// What is too little to share is done at once.
void shared_out(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t first, std::int64_t last)>& work) {
  count <= grain ? work(0, count) : on_threads(count, grain, work);
}

/// One picture x [pixels, channels] after the other: a group's moments, then all of it in one more pass.
template <typename T>
void norm_pictures(const torch::Tensor& x, std::int64_t groups, double eps, const torch::Tensor& scale, const torch::Tensor& shift,
                   bool silu, torch::Tensor& out) {
  const auto pictures = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3), each = channels / groups;
  const auto chunks = (pixels + pixels_at_once - 1) / pixels_at_once;
  const auto grain = std::max<std::int64_t>(1, norm_grain / (pixels_at_once * channels));
  const auto* from = x.const_data_ptr<T>();
  auto* to = out.mutable_data_ptr<T>();
  const auto plain = [](const torch::Tensor& t) { return t.defined() ? t.to(torch::kFloat32).contiguous() : t; };
  const auto scales = plain(scale), shifts = plain(shift);
  const auto row = [&](const torch::Tensor& t, std::int64_t n) {
    return t.const_data_ptr<float>() + (t.size(0) > 1 ? n * channels : 0);
  };
  std::vector<float> parts(static_cast<std::size_t>(2 * chunks * channels)), rate(static_cast<std::size_t>(channels)),
      offset(rate.size());
  for (std::int64_t n = 0; n < pictures; ++n) {
    const auto* picture = from + n * pixels * channels;
    const auto stretch = [&](std::int64_t chunk) { return std::min(pixels_at_once, pixels - chunk * pixels_at_once); };
    std::fill(parts.begin(), parts.end(), 0.0f);
    shared_out(chunks, grain, [&](std::int64_t first, std::int64_t last) {
      for (auto k = first; k < last; ++k) {
        auto* sums = parts.data() + 2 * k * channels;
        channel_moments(stretch(k), channels, bits(picture + k * pixels_at_once * channels), sums, sums + channels);
      }
    });
    for (std::int64_t g = 0; g < groups; ++g) {
      double sum = 0, squares = 0;
      for (std::int64_t k = 0; k < chunks; ++k) {
        const auto* sums = parts.data() + 2 * k * channels + g * each;
        for (std::int64_t c = 0; c < each; ++c) sum += sums[c], squares += sums[channels + c];
      }
      const double share = 1.0 / static_cast<double>(pixels * each), mean = sum * share;
      const double inverse = 1 / std::sqrt(std::max(0.0, squares * share - mean * mean) + eps);
      for (auto c = g * each; c < (g + 1) * each; ++c) {
        const double factor = inverse * (scales.defined() ? row(scales, n)[c] : 1);
        rate[static_cast<std::size_t>(c)] = static_cast<float>(factor);
        offset[static_cast<std::size_t>(c)] = static_cast<float>((shifts.defined() ? row(shifts, n)[c] : 0) - mean * factor);
      }
    }
    shared_out(chunks, grain, [&](std::int64_t first, std::int64_t last) {
      const auto begin = first * pixels_at_once, end = std::min(pixels, last * pixels_at_once);
      channel_affine(end - begin, channels, bits(picture + begin * channels), rate.data(), offset.data(), silu,
                     bits(to + (n * pixels + begin) * channels));
    });
  }
}

}  // namespace

torch::Tensor group_norm(const torch::Tensor& x, std::int64_t groups, double eps, const torch::Tensor& scale,
                         const torch::Tensor& shift, bool silu, bool in_place) {
  const bool recorded =
      torch::GradMode::is_enabled() && (x.requires_grad() || (scale.defined() && (scale.requires_grad() || shift.requires_grad())));
  const auto type = x.scalar_type();
  if (!recorded && kernels_serve(x) && x.size(1) % vector_block == 0 && (type == torch::kFloat32 || type == torch::kBFloat16)) {
    const auto rows = x.contiguous(at::MemoryFormat::ChannelsLast);
    auto out = in_place && rows.is_same(x)
                   ? rows
                   : torch::empty(x.sizes(), x.options().requires_grad(false), at::MemoryFormat::ChannelsLast);
    if (type == torch::kFloat32) {
      norm_pictures<float>(rows, groups, eps, scale, shift, silu, out);
    } else {
      norm_pictures<at::BFloat16>(rows, groups, eps, scale, shift, silu, out);
    }
    return out;
  }
  auto y = at::group_norm(x, groups, {}, {}, eps);
  if (scale.defined()) {
    const auto channels = [](const torch::Tensor& t) { return t.unsqueeze(-1).unsqueeze(-1); };
    y = (y * channels(scale) + channels(shift)).to(type);
  }
  return silu ? torch::silu(y) : y;
}

GroupNormImpl::GroupNormImpl(std::int64_t channels) : groups_(groups_of(channels)) {
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor GroupNormImpl::forward(const torch::Tensor& x, bool silu) {
  return group_norm(x, groups_, group_eps, weight_.unsqueeze(0), bias_.unsqueeze(0), silu);
}

}  // namespace dream
