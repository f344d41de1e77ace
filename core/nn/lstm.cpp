#include "core/nn/lstm.h"

#include <ATen/Parallel.h>

#include "core/nn/kernel_path.h"
#include "core/nn/lstm_kernel.h"
#include "core/nn/precision.h"
#include "core/nn/product_kernel.h"
#include "core/nn/shape.h"
#include "core/nn/threads.h"

namespace dream {
namespace {

constexpr float forget_bias = 1.0f;
constexpr std::int64_t rows_per_task = 16;
constexpr std::int64_t few_rows = 8;        // below these the library reads the weights as fast
constexpr std::int64_t narrow_batch = 256;  // from here on bf16 gains more than its conversions cost

/// gates [B, 4H] becomes activations in place; returns {h, c}. On a GPU the same in ATen's own operations.
void pointwise(torch::Tensor gates, const torch::Tensor& before, torch::Tensor cell, torch::Tensor out) {
  const auto rows = before.size(0), hidden = before.size(1);
  if (!kernels_serve(gates)) {
    auto parts = gates.chunk(4, 1);
    parts[0].sigmoid_();
    parts[1].tanh_();
    parts[2].add_(forget_bias).sigmoid_();
    parts[3].sigmoid_();
    at::addcmul_out(cell, parts[2] * before, parts[0], parts[1]);
    at::mul_out(out, parts[3], torch::tanh(cell));
    return;
  }
  float* g = gates.data_ptr<float>();
  const float* b = before.data_ptr<float>();
  float* c = cell.data_ptr<float>();
  float* h = out.data_ptr<float>();
  at::parallel_for(0, rows, rows_per_task, [&](std::int64_t first, std::int64_t last) {
    lstm_pointwise(last - first, hidden, forget_bias, g + first * 4 * hidden, b + first * hidden, c + first * hidden,
                   h + first * hidden);
  });
}

void pointwise_backward(torch::Tensor gates, const torch::Tensor& before, const torch::Tensor& cell,
                        const torch::Tensor& out_gradient, torch::Tensor cell_gradient) {
  const auto rows = before.size(0), hidden = before.size(1);
  float* g = gates.data_ptr<float>();
  const float* b = before.data_ptr<float>();
  const float* c = cell.data_ptr<float>();
  const float* dh = out_gradient.data_ptr<float>();
  float* dc = cell_gradient.data_ptr<float>();
  at::parallel_for(0, rows, rows_per_task, [&](std::int64_t first, std::int64_t last) {
    lstm_pointwise_backward(last - first, hidden, g + first * 4 * hidden, b + first * hidden, c + first * hidden,
                            dh + first * hidden, dc + first * hidden);
  });
}

std::int64_t lanes_per_thread(std::int64_t batch) {
  const auto threads = static_cast<std::int64_t>(at::get_num_threads());
  return (batch + threads - 1) / threads;
}

/// projected [T, B, 4H] = x·Wx + b, recurrent [H, 4H], h0 and c0 [B, H] -> h [T, B, H].
class Scan : public torch::autograd::Function<Scan> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& projected,
                               const torch::Tensor& recurrent, const torch::Tensor& h0, const torch::Tensor& c0,
                               bool bfloat16) {
    const auto steps = projected.size(0), batch = projected.size(1), hidden = recurrent.size(0);
    auto gates = projected.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true).contiguous();
    const auto narrow = bfloat16 ? recurrent.to(torch::kBFloat16) : torch::Tensor();
    auto cells = torch::empty({steps + 1, batch, hidden}, gates.options());
    auto outs = torch::empty_like(cells);
    cells[0].copy_(c0);
    outs[0].copy_(h0);
    // Lanes are independent: each thread takes some of them through the whole sequence, and nobody waits at every step.
    at::parallel_for(0, batch, lanes_per_thread(batch), [&](std::int64_t first, std::int64_t last) {
      torch::NoGradGuard no_grad;
      const auto mine = [&](const torch::Tensor& all, std::int64_t t) { return all[t].slice(0, first, last); };
      for (std::int64_t t = 0; t < steps; ++t) {
        auto gate = mine(gates, t);
        if (bfloat16) {
          gate.add_(torch::mm(mine(outs, t).to(torch::kBFloat16), narrow));
        } else {
          gate.addmm_(mine(outs, t), recurrent);
        }
        pointwise(gate, mine(cells, t), mine(cells, t + 1), mine(outs, t + 1));
      }
    });
    context->save_for_backward({gates, cells, outs, recurrent});
    context->saved_data["bfloat16"] = bfloat16;
    return outs.slice(0, 1);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto gates = saved[0].clone();  // becomes the gradient; a second backward still finds the saved one
    const auto &cells = saved[1], &outs = saved[2], &recurrent = saved[3];
    const auto steps = gates.size(0), batch = gates.size(1), hidden = recurrent.size(0);
    const bool bfloat16 = context->saved_data["bfloat16"].toBool();
    const auto type = bfloat16 ? torch::kBFloat16 : torch::kFloat32;
    const auto back = recurrent.t().to(type).contiguous();  // [4H, H]
    const auto out_gradients = gradients[0].contiguous();
    auto cell_gradient = torch::zeros({batch, hidden}, gates.options());
    at::parallel_for(0, batch, lanes_per_thread(batch), [&](std::int64_t first, std::int64_t last) {
      torch::NoGradGuard no_grad;
      const auto mine = [&](const torch::Tensor& all, std::int64_t t) { return all[t].slice(0, first, last); };
      auto out_gradient = torch::empty({last - first, hidden}, gates.options());
      for (std::int64_t t = steps - 1; t >= 0; --t) {
        if (t == steps - 1) {
          out_gradient.copy_(mine(out_gradients, t));
        } else if (bfloat16) {
          at::add_out(out_gradient, mine(out_gradients, t), torch::mm(mine(gates, t + 1).to(type), back));
        } else {
          at::addmm_out(out_gradient, mine(out_gradients, t), mine(gates, t + 1), back);
        }
        pointwise_backward(mine(gates, t), mine(cells, t), mine(cells, t + 1), out_gradient,
                           cell_gradient.slice(0, first, last));
      }
    });
    const auto before = outs.slice(0, 0, steps).reshape({steps * batch, hidden}).to(type);
    const auto all = gates.view({steps * batch, 4 * hidden}).to(type);
    const auto recurrent_gradient = before.t().mm(all).to(torch::kFloat32);
    // What came in as bf16 takes its gradient as bf16: autograd's cast back to float32 is the weights' business.
    return {bfloat16 ? all.view(gates.sizes()) : gates, recurrent_gradient, torch::Tensor(), torch::Tensor(),
            torch::Tensor()};
  }
};

}  // namespace

LstmImpl::LstmImpl(std::int64_t inputs, std::int64_t hidden) : inputs_(inputs), hidden_(hidden) {
  kernel_ = register_parameter("kernel", torch::empty({inputs + hidden, 4 * hidden}));
  bias_ = register_parameter("bias", torch::zeros({4 * hidden}));
  torch::nn::init::xavier_uniform_(kernel_);
}

LstmState LstmImpl::initial(std::int64_t batch) const {
  const auto zero = torch::zeros({batch, hidden_}, kernel_.options().requires_grad(false));
  return {zero, zero};
}

LstmState LstmImpl::step(const torch::Tensor& input, const LstmState& state) {
  check_shape(input, {state.h.size(0), inputs_}, "LSTM input");
  const auto both = torch::cat({input, state.h}, 1);
  torch::Tensor gates;
  if (bfloat16_ && both.size(0) >= narrow_batch) {
    gates = torch::mm(both.to(torch::kBFloat16), kernel_.to(torch::kBFloat16)).to(torch::kFloat32).add_(bias_);
  } else if (kernels_serve(both) && both.size(0) >= few_rows && 4 * hidden_ % product_columns == 0) {
    gates = product_of(both);
  } else {
    gates = torch::addmm(bias_, both, kernel_);
  }
  LstmState next{torch::empty_like(state.h), torch::empty_like(state.c)};
  pointwise(gates, state.c.contiguous(), next.c, next.h);
  return next;
}

torch::Tensor LstmImpl::product_of(const torch::Tensor& both) {
  torch::NoGradGuard no_grad;
  if (packed_.from != kernel_.const_data_ptr() || packed_.version != kernel_._version()) {
    const auto rows = kernel_.size(0), blocks = kernel_.size(1) / product_columns;
    packed_.weight = kernel_.detach().view({rows, blocks, product_columns}).transpose(0, 1).contiguous();
    packed_.from = kernel_.const_data_ptr();
    packed_.version = kernel_._version();
  }
  const auto batch = both.size(0), inner = both.size(1), columns = 4 * hidden_;
  auto gates = torch::empty({batch, columns}, both.options());
  const auto* x = both.const_data_ptr<float>();
  auto* y = gates.mutable_data_ptr<float>();
  on_threads(batch, rows_per_task, [&](std::int64_t first, std::int64_t last) {
    packed_product(last - first, inner, columns, x + first * inner, packed_.weight.const_data_ptr<float>(),
                   bias_.const_data_ptr<float>(), y + first * columns);
  });
  return gates;
}

torch::Tensor LstmImpl::scan(const torch::Tensor& inputs, const LstmState& state) {
  check_shape(inputs, {-1, state.h.size(0), inputs_}, "LSTM inputs");
  if (!kernels_serve(inputs)) return scan_by_library(inputs, state);
  const auto steps = inputs.size(0), batch = inputs.size(1);
  Autocast autocast(bfloat16_, inputs.device());
  const auto projected = torch::addmm(bias_, inputs.reshape({steps * batch, inputs_}), kernel_.slice(0, 0, inputs_))
                             .view({steps, batch, 4 * hidden_});
  return Scan::apply(projected, kernel_.slice(0, inputs_), state.h, state.c, bfloat16_);
}

torch::Tensor LstmImpl::scan_by_library(const torch::Tensor& inputs, const LstmState& state) {
  // Its gate order is i, f, j, o, its weights have a row per gate, its forget bias is in the bias.
  const auto reordered = [](const torch::Tensor& gates) {
    const auto part = gates.chunk(4, -1);
    return torch::cat({part[0], part[2], part[1], part[3]}, -1);
  };
  const auto weight = reordered(kernel_).t();  // [4H, inputs + H]
  const auto nothing = torch::zeros_like(bias_, bias_.options().requires_grad(false));
  auto forget = nothing.clone();
  forget.slice(0, hidden_, 2 * hidden_).fill_(forget_bias);
  // One piece of memory as cuDNN wants it, or it would copy them there and complain.
  const auto all = torch::cat({weight.slice(1, 0, inputs_).flatten(), weight.slice(1, inputs_).flatten(),
                               reordered(bias_) + forget, nothing});
  const auto gates = 4 * hidden_, recurrent = gates * inputs_, biases = recurrent + gates * hidden_;
  const auto part = [&](std::int64_t first, std::int64_t size) { return all.slice(0, first, first + size); };
  const std::vector<torch::Tensor> parts = {part(0, recurrent).view({gates, inputs_}),
                                            part(recurrent, gates * hidden_).view({gates, hidden_}),
                                            part(biases, gates), part(biases + gates, gates)};
  const auto out = at::lstm(inputs, {state.h.unsqueeze(0).contiguous(), state.c.unsqueeze(0).contiguous()}, parts,
                            /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0,
                            /*train=*/torch::GradMode::is_enabled(), /*bidirectional=*/false, /*batch_first=*/false);
  return std::get<0>(out);
}

}  // namespace dream
