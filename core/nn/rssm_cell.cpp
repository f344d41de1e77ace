#include "core/nn/rssm_cell.h"

namespace dream {

RssmCellImpl::RssmCellImpl(const RssmCellOptions& o) : options_(o) {
  if (o.kind == Cell::block_gru) {
    from_h_ = register_module("from_h", Dense(o.deter, o.hidden, o.style));
    from_z_ = register_module("from_z", Dense(o.latent, o.hidden, o.style));
    from_a_ = register_module("from_a", Dense(o.action, o.hidden, o.style));
    dynamics_ =
        register_module("dynamics", BlockLinear(o.deter + o.blocks * 3 * o.hidden, o.deter, o.blocks, o.style.init));
    dynamics_norm_ = register_module("dynamics_norm", NormLayer(o.deter, o.style));
    block_gates_ = register_module("gates", BlockLinear(o.deter, 3 * o.deter, o.blocks, o.style.init));
    return;
  }
  in_ = register_module("in", Dense(o.latent + o.action, o.hidden, o.style));
  if (o.kind == Cell::gru) {
    gru_ = register_module("gru", torch::nn::GRUCell(o.hidden, o.deter));
    // Keras: Glorot into the cell, orthogonal within it, zero biases.
    begin_weight(gru_->weight_ih, o.hidden, 3 * o.deter, Init::glorot);
    torch::nn::init::orthogonal_(gru_->weight_hh);
    torch::nn::init::zeros_(gru_->bias_ih);
    torch::nn::init::zeros_(gru_->bias_hh);
  } else if (o.kind == Cell::gru_block) {
    gates_ = register_module("gates", make_output(o.hidden + o.deter, 2 * o.deter, o.style.init, 1));
    torch::nn::init::ones_(gates_->bias);
    candidate_ = register_module("candidate", make_output(o.hidden + o.deter, o.deter, o.style.init, 1));
  } else {
    const bool bias = o.gate_style.bias_with_norm;
    gates_ = register_module("gates",
                             torch::nn::Linear(torch::nn::LinearOptions(o.hidden + o.deter, 3 * o.deter).bias(bias)));
    begin_weight(gates_->weight, o.hidden + o.deter, 3 * o.deter, o.style.init);
    if (bias) torch::nn::init::zeros_(gates_->bias);
    store_by_input(gates_);
    gate_norm_ = register_module("gate_norm", NormLayer(3 * o.deter, o.gate_style));
  }
}

torch::Tensor RssmCellImpl::forward(const torch::Tensor& h, const torch::Tensor& z, const torch::Tensor& action) {
  if (options_.kind == Cell::block_gru) return block_gru(h, z, action);
  const auto x = in_(torch::cat({z, action}, -1));
  switch (options_.kind) {
    case Cell::gru:
      return gru_(x.to(torch::kFloat32), h);
    case Cell::gru_block:
      return gru_block(h, x);
    default:
      return norm_gru(h, x);
  }
}

torch::Tensor RssmCellImpl::gru_block(const torch::Tensor& h, const torch::Tensor& x) {
  const auto gates = torch::sigmoid(apply_linear(gates_, torch::cat({x, h}, -1)).to(torch::kFloat32)).chunk(2, -1);
  const auto &reset = gates[0], &update = gates[1];
  const auto candidate = torch::tanh(apply_linear(candidate_, torch::cat({x, reset * h}, -1)).to(torch::kFloat32));
  return update * h + (1 - update) * candidate;
}

torch::Tensor RssmCellImpl::norm_gru(const torch::Tensor& h, const torch::Tensor& x) {
  const auto parts = gate_norm_(apply_linear(gates_, torch::cat({x, h}, -1)).to(torch::kFloat32)).chunk(3, -1);
  const auto reset = torch::sigmoid(parts[0]);
  const auto candidate = torch::tanh(reset * parts[1]);
  const auto update = torch::sigmoid(parts[2] - 1);
  return h + update * (candidate - h);
}

torch::Tensor RssmCellImpl::block_gru(const torch::Tensor& h, const torch::Tensor& z, const torch::Tensor& action) {
  const auto n = h.size(0), g = options_.blocks;
  // The action's size is no information: it is cut to at most 1 in every component.
  const auto a = action / action.detach().abs().clamp_min(1);
  const auto inputs = torch::cat({from_h_(h), from_z_(z), from_a_(a)}, -1).unsqueeze(1).expand({n, g, -1});
  auto y = dynamics_(torch::cat({h.view({n, g, -1}), inputs}, -1));
  y = dynamics_norm_(y.reshape({n, -1}), options_.style.act);
  const auto parts = block_gates_(y.view({n, g, -1})).to(torch::kFloat32).chunk(3, -1);  // within each block
  const auto reset = torch::sigmoid(parts[0]);
  const auto candidate = torch::tanh(reset * parts[1]);
  const auto update = torch::sigmoid(parts[2] - 1);
  const auto blocked = h.view({n, g, -1});
  return (blocked + update * (candidate - blocked)).reshape({n, -1});
}

}  // namespace dream
