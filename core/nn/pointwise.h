#pragma once
#include <ATen/Parallel.h>

#include "core/nn/kernel_path.h"
#include "core/nn/torch.h"

namespace dream {

constexpr std::int64_t pointwise_grain = 1 << 14;  // numbers that are worth a thread

/// A function of every number by itself, and its gradient, by kernels: ATen's own takes several functions of every number, and
/// much of the time of a small network.
template <auto kernel, auto slope>
class PointwiseFunction : public torch::autograd::Function<PointwiseFunction<kernel, slope>> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    return apply_kernel(x);
  }
  static torch::Tensor apply_kernel(const torch::Tensor& x) {
    auto y = torch::empty_like(x);
    const auto* from = x.template const_data_ptr<float>();
    auto* to = y.template mutable_data_ptr<float>();
    at::parallel_for(0, x.numel(), pointwise_grain, [&](std::int64_t begin, std::int64_t end) { kernel(end - begin, from + begin, to + begin); });
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto x = context->get_saved_variables()[0], dy = gradients[0].contiguous();
    auto dx = torch::empty_like(x);
    const auto *from = x.template const_data_ptr<float>(), *slopes = dy.template const_data_ptr<float>();
    auto* to = dx.template mutable_data_ptr<float>();
    at::parallel_for(0, x.numel(), pointwise_grain, [&](std::int64_t begin, std::int64_t end) {
      slope(end - begin, from + begin, slopes + begin, to + begin);
    });
    return {dx};
  }
};

/// kernel(count, x, y) of float32 on the processor, with slope(count, x, dy, dx); `plain`(x) of anything else.
template <auto kernel, auto slope, typename Plain>
torch::Tensor pointwise(const torch::Tensor& x, const Plain& plain) {
  if (!kernels_serve(x) || x.scalar_type() != torch::kFloat32) return plain(x);
  const auto rows = x.contiguous();
  if (torch::GradMode::is_enabled() && rows.requires_grad()) return PointwiseFunction<kernel, slope>::apply(rows);
  return PointwiseFunction<kernel, slope>::apply_kernel(rows.detach());
}

}  // namespace dream
