#pragma once
#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "core/nn/bf16_bits.h"
#include "core/nn/bf16_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/torch.h"

namespace dream {

constexpr std::int64_t pointwise_grain = 1 << 14;  // numbers that are worth a thread

/// work(count, to, from…) for parts of tensors of one size and type that lie alike, as float32: of bf16 a copy of some
/// numbers, which stays in the cache.
template <typename Work, typename... From>
void each_pointwise(const Work& work, torch::Tensor& to, const From&... from) {
  constexpr std::int64_t some = 1024;
  at::parallel_for(0, to.numel(), pointwise_grain, [&](std::int64_t begin, std::int64_t end) {
    if (to.scalar_type() == torch::kFloat32)
      return work(end - begin, to.template mutable_data_ptr<float>() + begin,
                  from.template const_data_ptr<float>() + begin...);
    float results[some], wide[sizeof...(From)][some];
    for (auto at = begin; at < end; at += some) {
      const auto count = std::min(some, end - at);
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        (widen(count, bits(from.template const_data_ptr<at::BFloat16>() + at), wide[i]), ...);
        work(count, results, wide[i]...);
      }(std::index_sequence_for<From...>{});
      narrow(count, results, bits(to.template mutable_data_ptr<at::BFloat16>() + at));
    }
  });
}

/// A function of every number by itself, and its gradient, by kernels: ATen's own takes several functions of every
/// number, and much of the time of a small network.
template <auto kernel, auto slope>
class PointwiseFunction : public torch::autograd::Function<PointwiseFunction<kernel, slope>> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    return apply_kernel(x);
  }
  static torch::Tensor apply_kernel(const torch::Tensor& x) {
    auto y = torch::empty_like(x);
    each_pointwise([](std::int64_t count, float* to, const float* from) { kernel(count, from, to); }, y, x);
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto x = context->get_saved_variables()[0], dy = gradients[0].contiguous();
    auto dx = torch::empty_like(x);
    each_pointwise(
        [](std::int64_t count, float* to, const float* from, const float* slopes) { slope(count, from, slopes, to); },
        dx, x, dy);
    return {dx};
  }
};

/// kernel(count, x, y) of float32 or bf16 on the processor, with slope(count, x, dy, dx); `plain`(x) of anything else.
template <auto kernel, auto slope, typename Plain>
torch::Tensor pointwise(const torch::Tensor& x, const Plain& plain) {
  if (!kernels_serve(x) || (x.scalar_type() != torch::kFloat32 && x.scalar_type() != torch::kBFloat16)) return plain(x);
  const auto rows = x.contiguous();
  if (torch::GradMode::is_enabled() && rows.requires_grad()) return PointwiseFunction<kernel, slope>::apply(rows);
  return PointwiseFunction<kernel, slope>::apply_kernel(rows.detach());
}

}  // namespace dream
