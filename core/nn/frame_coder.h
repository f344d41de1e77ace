#pragma once
#include "core/nn/torch.h"

#include <vector>

#include "core/base/choice.h"
#include "core/nn/group_norm.h"

namespace dream {

/// The levels of a frame coder, each a residual block. five: of 1, 1, 2, 2 and 4 times its channels, the side halved after the first,
/// the third and the fourth, as published; three: of 1, 2 and 2 times, halved before each, for two cores.
enum class FrameLevels { five, three };
constexpr auto choice_names(FrameLevels) {
  return names_of_choice("five", "three");
}

struct FrameCoderOptions {
  std::int64_t channels = 64;  // a multiple of 16 is fastest
  FrameLevels levels = FrameLevels::five;
};

constexpr std::int64_t frame_halvings = 3;  // of a picture's side

/// skip(x) + conv(silu(norm(conv(silu(norm(x)))))), the skip a product where the channels differ.
class FrameBlockImpl : public torch::nn::Module {
 public:
  FrameBlockImpl(std::int64_t from, std::int64_t to);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  GroupNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, skip_{nullptr};
};
TORCH_MODULE(FrameBlock);

/// Δ-IRIS's coder of pictures (Micheli et al. 2024, appendix A; vmicheli/delta-iris, convnet.py): an encoder, [N, from, H, W] ->
/// [N, to, H / 8, W / 8], or the decoder that mirrors it. Norms have 32 groups, or as many as there are channels.
class FrameCoderImpl : public torch::nn::Module {
 public:
  FrameCoderImpl(const FrameCoderOptions& options, bool decodes, std::int64_t from, std::int64_t to);
  torch::Tensor forward(torch::Tensor x);

 private:
  struct Level {
    FrameBlock block{nullptr};
    torch::nn::Conv2d resized{nullptr};  // null where the side stays
  };
  bool decodes_, resizes_first_;  // resized before the block
  torch::nn::Conv2d in_{nullptr}, out_{nullptr};
  std::vector<Level> levels_;  // in the order in which they are gone through
  GroupNorm norm_{nullptr};
};
TORCH_MODULE(FrameCoder);

}  // namespace dream
