#pragma once
#include <torch/types.h>

#include <utility>
#include <vector>

namespace dream {

/// V's encoder without gradients on the processor: what a search for C spends its time in. The bytes go through one
/// kernel, the convolutions after it are matrix products of 9/16 of the multiplications (StrideTwo), and weights are
/// brought into their shape once. Frames are taken in groups of fixed size, a group by one thread: what comes out does
/// not depend on how many threads there are.
class FrameEncoder {
 public:
  /// `layers`: weight and bias of the four convolutions, then of the two that give mean and log variance.
  /// frames uint8 [B, 64, 64, 3] -> float [B, ≥ 2·z]: the means, the log variances, and what fills up a block. With
  /// `bfloat16` the products' operands are.
  torch::Tensor operator()(const std::vector<torch::Tensor>& layers, const torch::Tensor& frames, bool bfloat16);

 private:
  struct Prepared {
    torch::Tensor first, first_bias;               // [48, 32], or in bf16 [24, 32, 2]; [32]
    std::vector<torch::Tensor> winograd, biases;   // [9, 4·C, O], packed when float32, and [O]
    torch::Tensor last, last_bias;                 // [1024, 2·z] packed, [2·z], filled up to whole blocks
    bool bfloat16 = false;
    std::vector<std::pair<const void*, std::uint32_t>> made_from;  // storage and version of the layers' tensors
  };
  void prepare(const std::vector<torch::Tensor>& layers, bool bfloat16);
  torch::Tensor group(const torch::Tensor& frames) const;

  Prepared prepared_;
};

}  // namespace dream
