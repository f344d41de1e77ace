#include "core/nn/dropout.h"

#include <ATen/Parallel.h>

#include <limits>

#include "core/nn/bf16_bits.h"
#include "core/nn/dropout_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/torch.h"

namespace dream {
namespace {

constexpr std::int64_t dropout_grain = 1 << 15;  // numbers that are worth a thread

template <typename T>
torch::Tensor kept_of(const torch::Tensor& x, double share, std::int64_t seed) {
  auto y = torch::empty_like(x);
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.template mutable_data_ptr<T>();
  at::parallel_for(0, x.numel(), dropout_grain, [&](std::int64_t begin, std::int64_t end) {
    drop_numbers(end - begin, static_cast<std::uint32_t>(begin), static_cast<std::uint64_t>(seed),
                 static_cast<float>(share), bits(from + begin), bits(to + begin));
  });
  return y;
}

torch::Tensor kept(const torch::Tensor& x, double share, std::int64_t seed) {
  return x.scalar_type() == torch::kFloat32 ? kept_of<float>(x, share, seed) : kept_of<at::BFloat16>(x, share, seed);
}

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, double share,
                               std::int64_t seed) {
    context->saved_data["share"] = share;
    context->saved_data["seed"] = seed;
    return kept(x, share, seed);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {
        kept(gradients[0].contiguous(), context->saved_data["share"].toDouble(), context->saved_data["seed"].toInt()),
        {},
        {}};
  }
};

}  // namespace

torch::Tensor dropout(const torch::Tensor& x, double share, at::Generator rng) {
  if (share <= 0) return x;
  const auto type = x.scalar_type();
  if (!kernels_serve(x) || (type != torch::kFloat32 && type != torch::kBFloat16)) {
    const auto like = x.options().requires_grad(false).dtype(torch::kFloat32);
    return x * ((torch::rand(x.sizes(), rng, like) >= share).to(type) / (1 - share));
  }
  const auto seed =
      torch::randint(std::numeric_limits<std::int64_t>::max(), {1}, rng, torch::kInt64).item<std::int64_t>();
  const auto rows = x.contiguous();
  if (torch::GradMode::is_enabled() && rows.requires_grad()) return DropoutFunction::apply(rows, share, seed);
  return kept(rows.detach(), share, seed);
}

}  // namespace dream
