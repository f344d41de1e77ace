#pragma once
#include <vector>

#include "core/nn/block_masks.h"
#include "core/nn/dense.h"
#include "core/nn/torch.h"
#include "core/nn/transformer.h"

namespace dream {

/// What a vision transformer looks at: clips of `frames` pictures, `tubelet` of them to a token; 1 of 1 is a picture.
struct VitShape {
  std::int64_t side = 64, channels = 3, frames = 1, patch = 8, tubelet = 1;

  std::int64_t rows() const { return side / patch; }
  std::int64_t times() const { return frames / tubelet; }
  std::int64_t places() const { return times() * rows() * rows(); }
  std::int64_t numbers() const { return tubelet * patch * patch * channels; }  // of a token
};

/// A vision transformer without a class token (Dosovitskiy et al. 2021; as facebookresearch/ijepa and jepa have it): patches
/// become tokens, waves say where they lie, and they all look at one another.
class VitImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error where patches or tubelets do not come out even, or the heads do not divide the width.
  VitImpl(const VitShape& shape, std::int64_t width, std::int64_t layers, std::int64_t heads);
  /// uint8 [N, T, H, W, C], or float [N, T, C, H, W] in [0, 1] -> what tokens are made of, float [N, places, numbers], values
  /// in [-2, 2].
  torch::Tensor pieces(const torch::Tensor& clips) const;
  /// Of pieces [N, P, numbers], or of those at `seen` [N, K] alone: [N, P or K, width].
  torch::Tensor forward(torch::Tensor pieces, const torch::Tensor& seen = {});
  const VitShape& shape() const { return shape_; }
  std::int64_t width() const { return width_; }

 private:
  VitShape shape_;
  std::int64_t width_;
  Linear token_{nullptr};
  torch::Tensor positions_;  // [P, width]; nobody learns it
  Transformer net_{nullptr};
};
TORCH_MODULE(Vit);

/// Pieces as a picture that people can look at: of the first frame of the tokens of time `at`, float [N, C, H, W] in [0, 1].
torch::Tensor pictures_of_pieces(const torch::Tensor& pieces, const VitShape& shape, std::int64_t at);
/// The mean squared error of two such pieces as one of pixels in [0, 1]. Scalar.
torch::Tensor error_of_pieces(const torch::Tensor& a, const torch::Tensor& b);

/// I-JEPA's predictor: what the encoder made of the context, and a learned token at every place that is asked for, through
/// a narrower transformer.
class VitPredictorImpl : public torch::nn::Module {
 public:
  /// `kinds`: mask tokens that it has, as V-JEPA has one for each way of masking.
  VitPredictorImpl(const VitShape& shape, std::int64_t encoder_width, std::int64_t width, std::int64_t layers,
                   std::int64_t heads, std::int64_t kinds);
  /// Tokens [B, K, D] of the places `context` [B, K], and the places that are asked for, one list after the other, all as
  /// long: [M · B, N, D].
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& context,
                        const std::vector<torch::Tensor>& targets, std::int64_t kind = 0);

 private:
  Linear in_{nullptr}, out_{nullptr};
  torch::Tensor mask_tokens_, positions_;  // [kinds, width], [P, width]
  Transformer net_{nullptr};
};
TORCH_MODULE(VitPredictor);

}  // namespace dream
