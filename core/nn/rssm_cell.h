#pragma once
#include "core/nn/torch.h"

#include "core/nn/dense.h"

namespace dream {

/// The recurrent cells of the family.
enum class Cell {
  gru_block,  // PlaNet: TensorFlow's GRUBlockCell, the reset gate acts on h before the candidate's matrix
  gru,        // V1: Keras' GRUCell with reset_after, two biases
  norm_gru,   // V2, V3-23: one layer norm over all three gates, reset × pre-activation candidate, update bias -1
  block_gru,  // V3-24: block-diagonal recurrence, inputs each through a layer of their own
};
constexpr auto choice_names(Cell) {
  return names_of_choice("gru_block", "gru", "norm_gru", "block_gru");
}

struct RssmCellOptions {
  Cell kind = Cell::block_gru;
  std::int64_t deter = 8192, latent = 32 * 64, action = 1, hidden = 1024;
  std::int64_t blocks = 8;
  LayerStyle style;       // of the layers before the cell
  LayerStyle gate_style;  // norm_gru: the joint norm (V2 has it where its other layers have none)
};

/// h, z, a -> h': the deterministic path of a recurrent state-space model (Hafner et al. 2019, eq. 4).
class RssmCellImpl : public torch::nn::Module {
 public:
  explicit RssmCellImpl(const RssmCellOptions& options);
  /// h [B, deter], z [B, latent], a [B, action] -> h' [B, deter].
  torch::Tensor forward(const torch::Tensor& h, const torch::Tensor& z, const torch::Tensor& action);

 private:
  torch::Tensor gru_block(const torch::Tensor& h, const torch::Tensor& x);
  torch::Tensor norm_gru(const torch::Tensor& h, const torch::Tensor& x);
  torch::Tensor block_gru(const torch::Tensor& h, const torch::Tensor& z, const torch::Tensor& action);

  RssmCellOptions options_;
  Dense in_{nullptr};                                      // [z, a] -> x; all but block_gru
  torch::nn::Linear gates_{nullptr}, candidate_{nullptr};  // gru_block; gates_ also norm_gru
  torch::nn::GRUCell gru_{nullptr};
  NormLayer gate_norm_{nullptr}, dynamics_norm_{nullptr};
  Dense from_h_{nullptr}, from_z_{nullptr}, from_a_{nullptr};  // block_gru
  BlockLinear dynamics_{nullptr}, block_gates_{nullptr};
};
TORCH_MODULE(RssmCell);

}  // namespace dream
