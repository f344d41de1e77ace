#pragma once
#include "core/nn/torch.h"

namespace dream {

struct LstmState {
  torch::Tensor h, c;  // float [B, H]
};

/// One LSTM layer as TensorFlow's BasicLSTMCell has it, which "World Models" uses: gate order i, j, f, o, one bias
/// vector, forget bias 1.0 added at run time and not stored. Kernel [inputs + H, 4H]: the input rows come first.
class LstmImpl : public torch::nn::Module {
 public:
  LstmImpl(std::int64_t inputs, std::int64_t hidden);

  LstmState initial(std::int64_t batch) const;

  /// One step without gradients: input [B, inputs].
  LstmState step(const torch::Tensor& input, const LstmState& state);

  /// A whole sequence with gradients, time-major: inputs [T, B, inputs] -> h of every step [T, B, H]. The recurrence
  /// is one autograd node with a hand-written backward pass: nothing is recorded per step. On a graphics card it is
  /// cuDNN's, float32 (TensorFloat32 where the card has it).
  torch::Tensor scan(const torch::Tensor& inputs, const LstmState& state);

  std::int64_t hidden() const { return hidden_; }

  /// bf16 operands in the matrix products of scan() on the processor, and of step() for batches of 256 and more; what
  /// is added up and kept stays float32.
  void set_bfloat16(bool on) { bfloat16_ = on; }

 private:
  struct Packed {
    torch::Tensor weight;
    const void* from = nullptr;
    std::uint32_t version = 0;
  };
  /// [input, h] · kernel + bias by packed_product: the same however many threads there are.
  torch::Tensor product_of(const torch::Tensor& both);
  torch::Tensor scan_by_library(const torch::Tensor& inputs, const LstmState& state);

  std::int64_t inputs_, hidden_;
  bool bfloat16_ = false;
  torch::Tensor kernel_, bias_;
  Packed packed_;
};
TORCH_MODULE(Lstm);

}  // namespace dream
