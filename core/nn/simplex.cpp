#include "core/nn/simplex.h"

#include <ATen/Parallel.h>

#include "core/nn/bf16_bits.h"
#include "core/nn/kernel_path.h"
#include "core/nn/simplex_kernel.h"
#include "core/nn/torch.h"

namespace dream {
namespace {

constexpr std::int64_t simplices_grain = 1 << 11;  // groups that are worth a thread

/// work(from, numbers) for parts of whole groups.
template <typename Work>
void each_part(std::int64_t numbers, const Work& work) {
  at::parallel_for(0, numbers / simplex_group, simplices_grain, [&](std::int64_t begin, std::int64_t end) {
    work(begin * simplex_group, (end - begin) * simplex_group);
  });
}

template <typename T>
torch::Tensor simplices(const torch::Tensor& x) {
  auto y = torch::empty_like(x);
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.template mutable_data_ptr<T>();
  each_part(x.numel(),
            [&](std::int64_t at, std::int64_t count) { simplex_forward(count, bits(from + at), bits(to + at)); });
  return y;
}

template <typename T>
torch::Tensor slopes(const torch::Tensor& y, const torch::Tensor& dy) {
  auto dx = torch::empty_like(y);
  const auto *shares = y.const_data_ptr<T>(), *given = dy.const_data_ptr<T>();
  auto* to = dx.template mutable_data_ptr<T>();
  each_part(y.numel(), [&](std::int64_t at, std::int64_t count) {
    simplex_backward(count, bits(shares + at), bits(given + at), bits(to + at));
  });
  return dx;
}

class SimplexFunction : public torch::autograd::Function<SimplexFunction> {
 public:
  static torch::Tensor apply_kernel(const torch::Tensor& x) {
    return x.scalar_type() == torch::kFloat32 ? simplices<float>(x) : simplices<at::BFloat16>(x);
  }
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    const auto y = apply_kernel(x);
    context->save_for_backward({y});
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto y = context->get_saved_variables()[0];
    const auto dy = gradients[0].to(y.scalar_type()).contiguous();
    return {y.scalar_type() == torch::kFloat32 ? slopes<float>(y, dy) : slopes<at::BFloat16>(y, dy)};
  }
};

}  // namespace

torch::Tensor sim_norm(const torch::Tensor& x, std::int64_t group) {
  const auto type = x.scalar_type();
  if (group != simplex_group || !kernels_serve(x) || (type != torch::kFloat32 && type != torch::kBFloat16))
    return torch::softmax(x.unflatten(-1, {-1, group}), -1).flatten(-2);
  const auto rows = x.contiguous();
  if (torch::GradMode::is_enabled() && rows.requires_grad()) return SimplexFunction::apply(rows);
  return SimplexFunction::apply_kernel(rows.detach());
}

}  // namespace dream
