#include "core/nn/pool.h"

#include <ATen/Parallel.h>
#include "core/nn/torch.h"

#include "core/nn/bf16_bits.h"
#include "core/nn/kernel_path.h"
#include "core/nn/pool_kernel.h"

namespace dream {
namespace {

/// Calls work(first picture, how many) for the pictures of each thread.
template <typename Work>
void each_pictures(std::int64_t pictures, std::int64_t numbers_each, const Work& work) {
  at::parallel_for(0, pictures, std::max<std::int64_t>(1, (1 << 16) / numbers_each),
                   [&](std::int64_t begin, std::int64_t end) { work(begin, end - begin); });
}

template <typename T>
void pooled_forward(const torch::Tensor& x, torch::Tensor& y, torch::Tensor& which) {
  const auto height = x.size(1), width = x.size(2), channels = x.size(3), each = height * width * channels;
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.mutable_data_ptr<T>();
  auto* index = which.mutable_data_ptr<std::uint8_t>();
  each_pictures(x.size(0), each, [&](std::int64_t first, std::int64_t count) {
    pool_forward(count * height, width, channels, bits(from + first * each), bits(to + first * each / 4),
                 index + first * each / 4);
  });
}

template <typename T>
void backward_pass(const torch::Tensor& which, const torch::Tensor& dy, torch::Tensor& dx) {
  const auto height = dx.size(1), width = dx.size(2), channels = dx.size(3), each = height * width * channels;
  const auto* from = dy.const_data_ptr<T>();
  const auto* index = which.const_data_ptr<std::uint8_t>();
  auto* to = dx.mutable_data_ptr<T>();
  each_pictures(dx.size(0), each, [&](std::int64_t first, std::int64_t count) {
    pool_backward(count * height, width, channels, index + first * each / 4, bits(from + first * each / 4),
                  bits(to + first * each));
  });
}

/// [N, H, W, C], contiguous.
class MaxPool : public torch::autograd::Function<MaxPool> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    auto y = torch::empty({x.size(0), x.size(1) / 2, x.size(2) / 2, x.size(3)}, x.options());
    auto which = torch::empty(y.sizes(), x.options().dtype(torch::kUInt8));
    (x.scalar_type() == torch::kFloat32 ? pooled_forward<float> : pooled_forward<at::BFloat16>)(x, y, which);
    context->save_for_backward({which});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto which = context->get_saved_variables()[0], dy = gradients[0].contiguous();
    auto dx = torch::empty({which.size(0), which.size(1) * 2, which.size(2) * 2, which.size(3)}, dy.options());
    (dy.scalar_type() == torch::kFloat32 ? backward_pass<float> : backward_pass<at::BFloat16>)(which, dy, dx);
    return {dx};
  }
};

}  // namespace

torch::Tensor max_pool(const torch::Tensor& x) {
  const bool even = x.size(2) % 2 == 0 && x.size(3) % 2 == 0;
  if (!even || !kernels_serve(x)) return torch::max_pool2d(x, 2);
  return MaxPool::apply(x.permute({0, 2, 3, 1}).contiguous()).permute({0, 3, 1, 2});
}

}  // namespace dream
