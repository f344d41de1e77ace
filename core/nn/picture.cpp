#include "core/nn/picture.h"

#include <ATen/Parallel.h>
#include "core/nn/torch.h"

#include "core/nn/bf16_bits.h"
#include "core/nn/kernel_path.h"
#include "core/nn/picture_kernel.h"

namespace dream {
namespace {

template <typename T>
void numbers(const torch::Tensor& image, torch::Tensor& out) {
  const auto* from = image.const_data_ptr<std::uint8_t>();
  auto* to = out.mutable_data_ptr<T>();
  at::parallel_for(0, image.numel(), 1 << 17, [&](std::int64_t begin, std::int64_t end) {
    pixels_to_numbers(end - begin, from + begin, bits(to + begin));
  });
}

template <typename T>
void errors(const torch::Tensor& made, const torch::Tensor& image, bool sigmoid, torch::Tensor& out) {
  const auto each = made.numel() / made.size(0);
  const auto* y = made.const_data_ptr<T>();
  const auto* x = image.const_data_ptr<std::uint8_t>();
  auto* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, made.size(0), 4, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n) to[n] = picture_squares(each, sigmoid, bits(y + n * each), x + n * each);
  });
}

template <typename T>
void errors_backward(const torch::Tensor& made, const torch::Tensor& image, bool sigmoid, const torch::Tensor& gradient,
                     torch::Tensor& out) {
  const auto each = made.numel() / made.size(0);
  const auto* y = made.const_data_ptr<T>();
  const auto* x = image.const_data_ptr<std::uint8_t>();
  const auto* factor = gradient.const_data_ptr<float>();
  auto* to = out.mutable_data_ptr<T>();
  at::parallel_for(0, made.size(0), 4, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n)
      picture_squares_backward(each, sigmoid, factor[n], bits(y + n * each), x + n * each, bits(to + n * each));
  });
}

/// Both [N, H, W, C], contiguous.
class PictureError : public torch::autograd::Function<PictureError> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& made,
                               const torch::Tensor& image, bool sigmoid) {
    auto out = torch::empty({made.size(0)}, made.options().dtype(torch::kFloat32));
    (made.scalar_type() == torch::kFloat32 ? errors<float> : errors<at::BFloat16>)(made, image, sigmoid, out);
    context->save_for_backward({made, image});
    context->saved_data["sigmoid"] = sigmoid;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto gradient = gradients[0].contiguous();
    auto out = torch::empty_like(saved[0]);
    const auto pass =
        saved[0].scalar_type() == torch::kFloat32 ? errors_backward<float> : errors_backward<at::BFloat16>;
    pass(saved[0], saved[1], context->saved_data["sigmoid"].toBool(), gradient, out);
    return {out, {}, {}};
  }
};

}  // namespace

torch::Tensor picture_numbers(const torch::Tensor& image, at::ScalarType type) {
  if (!kernels_serve(image) || image.scalar_type() != torch::kUInt8) {
    return image.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255).sub_(0.5).to(type);
  }
  const auto rows = image.contiguous();
  auto out = torch::empty(rows.sizes(), rows.options().dtype(type));
  (type == torch::kFloat32 ? numbers<float> : numbers<at::BFloat16>)(rows, out);
  return out.permute({0, 3, 1, 2});
}

torch::Tensor picture_error(const torch::Tensor& decoded, const torch::Tensor& image, bool sigmoid) {
  if (!kernels_serve(decoded) || image.scalar_type() != torch::kUInt8) {
    const auto target = image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255, wide = decoded.to(torch::kFloat32);
    return ((sigmoid ? torch::sigmoid(wide) : wide + 0.5) - target).square().sum({1, 2, 3});
  }
  return PictureError::apply(decoded.permute({0, 2, 3, 1}).contiguous(), image.contiguous(), sigmoid);
}

torch::Tensor mean_where_given(const torch::Tensor& errors, const torch::Tensor& image) {
  const auto given = image.flatten(1).amax(1).gt(0).to(errors.scalar_type());
  return (errors * given).sum() / given.sum().clamp_min(1);
}

}  // namespace dream
