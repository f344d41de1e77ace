#include "core/nn/norm.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/nn/bf16_bits.h"
#include "core/nn/kernel_path.h"
#include "core/nn/torch.h"

namespace dream {
namespace {

constexpr std::int64_t norm_grain = 32768;  // numbers that are worth a thread

const float* data_of(const torch::Tensor& shift) {
  return shift.defined() && shift.numel() > 0 ? shift.const_data_ptr<float>() : nullptr;
}

std::int64_t whole_blocks(std::int64_t size) {
  return (size + vector_block - 1) / vector_block * vector_block;
}

/// As the kernels read it: [members, size rounded up].
torch::Tensor padded(const torch::Tensor& x, std::int64_t size) {
  const auto plain = x.detach().reshape({-1, size}).contiguous();
  return size % vector_block == 0 ? plain : torch::constant_pad_nd(plain, {0, whole_blocks(size) - size});
}

/// Calls work(member, first, rows) for the rows from `begin` to `end`, of which each member has `each`.
template <typename Work>
void by_member(std::int64_t begin, std::int64_t end, std::int64_t each, const Work& work) {
  while (begin < end) {
    const auto member = begin / each, stop = std::min(end, (member + 1) * each);
    work(member, begin, stop - begin);
    begin = stop;
  }
}

std::int64_t rows_per_thread(std::int64_t size) {
  return std::max<std::int64_t>(1, norm_grain / size);
}

template <typename T>
void forward_rows(const NormShape& shape, std::int64_t members, const torch::Tensor& x, const float* scale,
                  const float* shift, torch::Tensor& y, float* moments) {
  const auto* in = x.const_data_ptr<T>();
  auto* out = y.mutable_data_ptr<T>();
  const auto size = shape.size, all = x.numel() / size;
  at::parallel_for(0, all, rows_per_thread(size), [&](std::int64_t begin, std::int64_t end) {
    by_member(begin, end, all / members, [&](std::int64_t member, std::int64_t first, std::int64_t rows) {
      const auto own = member * whole_blocks(size);
      norm_forward(shape, rows, bits(in + first * size), scale + own, shift ? shift + own : nullptr,
                   bits(out + first * size), moments + 2 * first);
    });
  });
}

template <typename T>
void backward_rows(const NormShape& shape, std::int64_t members, const torch::Tensor& x, const float* scale,
                   const float* shift, const float* moments, const torch::Tensor& dy, torch::Tensor& dx, float* dscale,
                   float* dshift) {
  const auto *in = x.const_data_ptr<T>(), *gradient = dy.const_data_ptr<T>();
  auto* out = dx.mutable_data_ptr<T>();
  const auto size = shape.size, all = x.numel() / size, stride = whole_blocks(size);
  at::parallel_for(0, all, rows_per_thread(size), [&](std::int64_t begin, std::int64_t end) {
    by_member(begin, end, all / members, [&](std::int64_t member, std::int64_t first, std::int64_t rows) {
      const auto its = member * stride;
      const auto own = at::get_thread_num() * members * stride + its;  // each thread adds up its own rows
      norm_backward(shape, rows, bits(in + first * size), scale + its, shift ? shift + its : nullptr,
                    moments + 2 * first, bits(gradient + first * size), bits(out + first * size), dscale + own,
                    dshift ? dshift + own : nullptr);
    });
  });
}

torch::Tensor forward_pass(const NormShape& shape, const torch::Tensor& x, const torch::Tensor& scale,
                           const torch::Tensor& shift, torch::Tensor& moments) {
  auto y = torch::empty_like(x);
  moments = torch::empty({x.numel() / shape.size, 2}, x.options().dtype(torch::kFloat32));
  const auto pass = x.scalar_type() == torch::kFloat32 ? forward_rows<float> : forward_rows<at::BFloat16>;
  const auto scales = padded(scale, shape.size), shifts = data_of(shift) ? padded(shift, shape.size) : shift;
  pass(shape, scales.size(0), x, scales.const_data_ptr<float>(), data_of(shifts), y, moments.mutable_data_ptr<float>());
  return y;
}

class NormFunction : public torch::autograd::Function<NormFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& scale, const torch::Tensor& shift, double eps, bool centred,
                               std::int64_t act) {
    const NormShape shape{x.size(-1), static_cast<float>(eps), centred, static_cast<NormAct>(act)};
    torch::Tensor moments;
    const auto y = forward_pass(shape, x, scale, shift, moments);
    context->save_for_backward({x, scale, shift, moments});
    context->saved_data["eps"] = eps;
    context->saved_data["centred"] = centred;
    context->saved_data["act"] = act;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &scale = saved[1], &shift = saved[2];
    const NormShape shape{x.size(-1), static_cast<float>(context->saved_data["eps"].toDouble()),
                          context->saved_data["centred"].toBool(),
                          static_cast<NormAct>(context->saved_data["act"].toInt())};
    const auto dy = gradients[0].to(x.scalar_type()).contiguous();
    auto dx = torch::empty_like(x);
    const auto scales = padded(scale, shape.size);
    const auto members = scales.size(0);
    auto dscale = torch::zeros({at::get_num_threads(), members, whole_blocks(shape.size)}, scales.options());
    const bool shifted = shift.numel() > 0;
    auto dshift = shifted ? torch::zeros_like(dscale) : torch::Tensor();
    const auto pass = x.scalar_type() == torch::kFloat32 ? backward_rows<float> : backward_rows<at::BFloat16>;
    const auto shifts = shifted ? padded(shift, shape.size) : shift;
    pass(shape, members, x, scales.const_data_ptr<float>(), data_of(shifts), saved[3].const_data_ptr<float>(), dy, dx,
         dscale.mutable_data_ptr<float>(), shifted ? dshift.mutable_data_ptr<float>() : nullptr);
    const auto total = [&](const torch::Tensor& of_threads) {
      return of_threads.sum(0).slice(1, 0, shape.size).reshape(scale.sizes());
    };
    return {dx, total(dscale), shifted ? total(dshift) : dshift, {}, {}, {}};
  }
};

torch::Tensor plain(const torch::Tensor& x, const torch::Tensor& scale, const torch::Tensor& shift,
                    const NormShape& shape) {
  const auto wide = x.to(torch::kFloat32);
  auto y = !shape.centred     ? wide * torch::rsqrt(wide.square().mean(-1, true) + shape.eps) * scale
           : scale.dim() == 1 ? torch::layer_norm(wide, {shape.size}, scale, shift, shape.eps)
                              : torch::layer_norm(wide, {shape.size}, {}, {}, shape.eps) * scale + shift;
  switch (shape.act) {
    case NormAct::none:
      break;
    case NormAct::relu:
      y = torch::relu(y);
      break;
    case NormAct::elu:
      y = torch::elu(y);
      break;
    case NormAct::silu:
      y = torch::silu(y);
      break;
    case NormAct::tanh:
      y = torch::tanh(y);
      break;
    case NormAct::mish:
      y = torch::mish(y);
      break;
  }
  return y.to(x.scalar_type());
}

}  // namespace

torch::Tensor norm_act(const torch::Tensor& x, const torch::Tensor& scale, const torch::Tensor& shift,
                       NormShape shape) {
  shape.size = x.size(-1);
  const auto type = x.scalar_type();
  if (!kernels_serve(x) || (type != torch::kFloat32 && type != torch::kBFloat16) || x.numel() == 0)
    return plain(x, scale, shift, shape);
  const auto rows = x.contiguous();
  if (torch::GradMode::is_enabled() && (x.requires_grad() || scale.requires_grad())) {
    const auto shifts =
        shift.defined()
            ? shift
            : torch::empty({0}, scale.options().requires_grad(false));  // autograd takes no undefined tensors
    return NormFunction::apply(rows, scale, shifts, shape.eps, shape.centred, static_cast<std::int64_t>(shape.act));
  }
  torch::Tensor moments;
  return forward_pass(shape, rows, scale, shift, moments);
}

}  // namespace dream
