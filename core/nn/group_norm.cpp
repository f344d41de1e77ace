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

/// How a picture [pixels, channels] is shared out.
struct NormLayout {
  explicit NormLayout(const torch::Tensor& x, std::int64_t groups_)
      : groups(groups_), channels(x.size(1)), pixels(x.size(2) * x.size(3)), each(channels / groups),
        chunks((pixels + pixels_at_once - 1) / pixels_at_once), grain(std::max<std::int64_t>(1, norm_grain / (pixels_at_once * channels))) {}
  /// work(sums, squares, first, count) for some pixels at a time, whose sums are then added up: [2, channels].
  template <typename Work>
  std::vector<double> summed(std::vector<float>& parts, const Work& work) const {
    parts.assign(static_cast<std::size_t>(2 * chunks * channels), 0.0f);
    shared_out(chunks, grain, [&](std::int64_t first, std::int64_t last) {
      for (auto k = first; k < last; ++k) {
        auto* sums = parts.data() + 2 * k * channels;
        work(sums, sums + channels, k * pixels_at_once, std::min(pixels_at_once, pixels - k * pixels_at_once));
      }
    });
    std::vector<double> all(static_cast<std::size_t>(2 * channels));
    for (std::int64_t k = 0; k < chunks; ++k)
      for (std::size_t c = 0; c < all.size(); ++c) all[c] += parts[static_cast<std::size_t>(2 * k * channels) + c];
    return all;
  }
  /// work(first, count) of pixels.
  template <typename Work>
  void parted(const Work& work) const {
    shared_out(chunks, grain, [&](std::int64_t first, std::int64_t last) {
      work(first * pixels_at_once, std::min(pixels, last * pixels_at_once) - first * pixels_at_once);
    });
  }
  std::int64_t groups, channels, pixels, each, chunks, grain;
};

/// The scales or shifts [N or 1, C] of picture n; `t` may be undefined.
const float* norm_row(const torch::Tensor& t, std::int64_t n) {
  return t.defined() ? t.const_data_ptr<float>() + (t.size(0) > 1 ? n * t.size(1) : 0) : nullptr;
}
torch::Tensor norm_plain(const torch::Tensor& t) {
  return t.defined() ? t.to(torch::kFloat32).contiguous() : t;
}

/// One picture after the other: a group's moments, then all of it in one more pass, as rate·x + offset. Where `kept` [2, N, C]
/// float32 is defined it gets these two, and `moments` [2, N, groups] float64 mean and 1 / deviation.
template <typename T>
void norm_pictures(const torch::Tensor& x, std::int64_t groups, double eps, const torch::Tensor& scale, const torch::Tensor& shift,
                   bool silu, torch::Tensor& out, torch::Tensor kept = {}, torch::Tensor moments = {}) {
  const NormLayout layout(x, groups);
  const auto channels = layout.channels, pictures = x.size(0);
  const auto* from = x.const_data_ptr<T>();
  auto* to = out.mutable_data_ptr<T>();
  const auto scales = norm_plain(scale), shifts = norm_plain(shift);
  std::vector<float> parts, made(static_cast<std::size_t>(2 * channels));
  for (std::int64_t n = 0; n < pictures; ++n) {
    const auto* picture = from + n * layout.pixels * channels;
    const auto sums = layout.summed(parts, [&](float* sum, float* squares, std::int64_t first, std::int64_t count) {
      channel_moments(count, channels, bits(picture + first * channels), sum, squares);
    });
    const auto *factors = norm_row(scales, n), *offsets = norm_row(shifts, n);
    auto* rate = kept.defined() ? kept.mutable_data_ptr<float>() + n * channels : made.data();
    auto* offset = rate + (kept.defined() ? pictures : 1) * channels;
    auto* moment = moments.defined() ? moments.mutable_data_ptr<double>() + n * groups : nullptr;
    norm_line({layout.pixels, channels, groups, eps, factors ? 0.0 : 1.0, factors, offsets}, sums.data(), rate, offset, moment,
              moment ? moment + pictures * groups : nullptr);
    layout.parted([&](std::int64_t first, std::int64_t count) {
      channel_affine(count, channels, bits(picture + first * channels), rate, offset, silu,
                     bits(to + (n * layout.pixels + first) * channels));
    });
  }
}

/// With a gradient: the numbers are normed, scaled and opened in two passes forwards and two back, and x alone is kept.
class GroupNormFunction : public torch::autograd::Function<GroupNormFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, std::int64_t groups, double eps,
                               const torch::Tensor& scale, const torch::Tensor& shift, bool silu) {
    auto out = torch::empty_like(x);
    const auto pictures = x.size(0);
    const auto like = torch::TensorOptions().dtype(torch::kFloat32);
    auto kept = torch::empty({2, pictures, x.size(1)}, like), moments = torch::empty({2, pictures, groups}, like.dtype(torch::kFloat64));
    norm_pictures<float>(x, groups, eps, scale, shift, silu, out, kept, moments);
    context->save_for_backward({x, scale, kept, moments});
    context->saved_data["silu"] = silu;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &scale = saved[1], &kept = saved[2], &moments = saved[3];
    const bool silu = context->saved_data["silu"].toBool();
    const auto slope = gradients[0].to(torch::kFloat32).contiguous(at::MemoryFormat::ChannelsLast);
    const NormLayout layout(x, moments.size(2));
    const auto pictures = x.size(0), channels = layout.channels, groups = layout.groups;
    auto dx = torch::empty_like(x);
    const auto plain_scale = norm_plain(scale);
    auto of_bend = torch::empty({2, pictures, channels}, kept.options());  // of scales and shifts
    std::vector<float> parts, by(static_cast<std::size_t>(2 * channels));
    const auto channel = [](std::int64_t c) { return static_cast<std::size_t>(c); };
    for (std::int64_t n = 0; n < pictures; ++n) {
      const auto at = n * layout.pixels * channels;
      const auto *picture = x.const_data_ptr<float>() + at, *slopes = slope.const_data_ptr<float>() + at;
      const auto *rate = kept.const_data_ptr<float>() + n * channels, *offset = rate + pictures * channels;
      const auto sums = layout.summed(parts, [&](float* sum, float* product, std::int64_t first, std::int64_t count) {
        channel_slopes(count, channels, picture + first * channels, slopes + first * channels, rate, offset, silu, sum, product);
      });
      const auto* factors = norm_row(plain_scale, n);
      auto *of_scale = of_bend.mutable_data_ptr<float>() + n * channels, *of_shift = of_scale + pictures * channels;
      for (std::int64_t g = 0; g < groups; ++g) {
        const auto* moment = moments.const_data_ptr<double>() + n * groups + g;
        const double mean = moment[0], inverse = moment[pictures * groups], share = 1.0 / static_cast<double>(layout.pixels * layout.each);
        double sum = 0, product = 0;
        for (auto c = g * layout.each; c < (g + 1) * layout.each; ++c) {
          const double one = sums[channel(c)], with_x = sums[channel(channels + c)];
          of_scale[c] = static_cast<float>(inverse * (with_x - mean * one)), of_shift[c] = static_cast<float>(one);
          sum += factors[c] * one, product += factors[c] * with_x;
        }
        const double of_x = (sum * mean - product) * inverse * inverse * inverse * share;
        for (auto c = g * layout.each; c < (g + 1) * layout.each; ++c) {
          by[channel(c)] = static_cast<float>(of_x);
          by[channel(channels + c)] = static_cast<float>(-of_x * mean - sum * inverse * share);
        }
      }
      layout.parted([&](std::int64_t first, std::int64_t count) {
        channel_affine_back(count, channels, picture + first * channels, slopes + first * channels, rate, offset, by.data(),
                            by.data() + channels, silu, dx.mutable_data_ptr<float>() + at + first * channels);
      });
    }
    const auto of = [&](std::int64_t which) { return scale.size(0) > 1 ? of_bend[which] : of_bend[which].sum(0, true); };
    return {dx, {}, {}, of(0), of(1), {}};
  }
};

}  // namespace

void norm_line(const NormLine& of, const double* sums, float* rate, float* offset, double* mean, double* inverse) {
  const auto each = of.channels / of.groups;
  const double share = 1.0 / static_cast<double>(of.pixels * each);
  for (std::int64_t g = 0; g < of.groups; ++g) {
    double sum = 0, squares = 0;
    for (auto c = g * each; c < (g + 1) * each; ++c) sum += sums[c], squares += sums[of.channels + c];
    const double middle = sum * share, narrow = 1 / std::sqrt(std::max(0.0, squares * share - middle * middle) + of.eps);
    if (mean) mean[g] = middle, inverse[g] = narrow;
    for (auto c = g * each; c < (g + 1) * each; ++c) {
      const double factor = narrow * (of.base + (of.scale ? of.scale[c] : 0));
      rate[c] = static_cast<float>(factor);
      offset[c] = static_cast<float>((of.shift ? of.shift[c] : 0) - middle * factor);
    }
  }
}

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
  if (recorded && scale.defined() && kernels_serve(x) && x.size(1) % vector_block == 0 && type == torch::kFloat32 &&
      scale.scalar_type() == type && shift.scalar_type() == type)
    return GroupNormFunction::apply(x.contiguous(at::MemoryFormat::ChannelsLast), groups, eps, scale, shift, silu);
  auto y = at::group_norm(x, groups, {}, {}, eps);
  if (scale.defined()) {
    const auto channels = [](const torch::Tensor& t) { return t.unsqueeze(-1).unsqueeze(-1); };
    y = (y * channels(scale) + channels(shift)).to(type);
  }
  return silu ? torch::silu(y) : y;
}

GroupNormImpl::GroupNormImpl(std::int64_t channels, std::int64_t groups) : groups_(groups > 0 ? groups : groups_of(channels)) {
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor GroupNormImpl::forward(const torch::Tensor& x, bool silu) {
  return group_norm(x, groups_, group_eps, weight_.unsqueeze(0), bias_.unsqueeze(0), silu);
}

}  // namespace dream
