#pragma once
#include "core/nn/torch.h"

#include <vector>

#include "core/base/choice.h"

namespace dream {

enum class Norm { none, layer, rms };
constexpr auto choice_names(Norm) {
  return names_of_choice("none", "layer", "rms");
}
enum class Act { none, relu, elu, silu, tanh };
constexpr auto choice_names(Act) {
  return names_of_choice("none", "relu", "elu", "silu", "tanh");
}
/// How a weight begins. glorot: uniform, TensorFlow's default (PlaNet, V1, V2). average: truncated normal by the mean
/// of fan-in and fan-out (V3-23). fan_in: truncated normal by fan-in (V3-24). Biases begin at 0.
enum class Init { glorot, average, fan_in };
constexpr auto choice_names(Init) {
  return names_of_choice("glorot", "average", "fan_in");
}

/// What the layers of one network share.
struct LayerStyle {
  Act act = Act::silu;
  Norm norm = Norm::rms;
  double eps = 1e-4;           // of the norm
  bool bias_with_norm = true;  // V3-23 drops the bias where a norm follows
  Init init = Init::fan_in;
};

torch::Tensor activate(const torch::Tensor& x, Act act);

/// Begins `weight` [out, in, ...] with `scale` × the unit of its kind; scale 0 is all zeros.
void begin_weight(torch::Tensor weight, std::int64_t fan_in, std::int64_t fan_out, Init init, double scale = 1);

/// A linear layer of rows [..., in] that is one operation of ATen's, however many dimensions they have: the front end's
/// own call multiplies those of more than two first and adds the bias after, in a pass of its own.
class Linear : public torch::nn::Linear {
 public:
  using torch::nn::Linear::Linear;
  Linear(const torch::nn::Linear& layer) : torch::nn::Linear(layer) {}
  torch::Tensor operator()(const torch::Tensor& x) const { return torch::linear(x, get()->weight, get()->bias); }
};

/// Keeps the weight [out, in] of a layer input by input in memory, for apply_linear().
void store_by_input(torch::nn::Linear& layer);
/// layer(x) [..., out]. For a few rows without gradient, inputs that are 0, as most of a one-hot latent's, cost
/// nothing.
torch::Tensor apply_linear(torch::nn::Linear& layer, const torch::Tensor& x);

/// Layer norm, or RMS norm (a scale, no shift), over the last dimension, in the type of its input. Norm::none passes
/// through.
class NormLayerImpl : public torch::nn::Module {
 public:
  NormLayerImpl(std::int64_t size, const LayerStyle& style);
  /// With the activation that follows, in one pass.
  torch::Tensor forward(const torch::Tensor& x, Act act = Act::none);

 private:
  LayerStyle style_;
  torch::Tensor scale_, shift_;
};
TORCH_MODULE(NormLayer);

/// x W + b, normalised, activated: [..., in] -> [..., out].
class DenseImpl : public torch::nn::Module {
 public:
  DenseImpl(std::int64_t in, std::int64_t out, const LayerStyle& style);
  torch::Tensor forward(const torch::Tensor& x) { return finish(apply_linear(linear_, x)); }
  /// forward() of the concatenation [a, b], where `b_part` = part(b, in of a) was computed for many steps at once.
  torch::Tensor forward_with(const torch::Tensor& a, const torch::Tensor& b_part);
  torch::Tensor part(const torch::Tensor& b, std::int64_t from);  // b W[:, from:]ᵀ + bias

 private:
  torch::Tensor finish(const torch::Tensor& x) { return norm_(x, act_); }
  Act act_;
  torch::nn::Linear linear_;
  NormLayer norm_;
};
TORCH_MODULE(Dense);

/// A plain linear layer begun by `init` with `scale`: the output of a head.
torch::nn::Linear make_output(std::int64_t in, std::int64_t out, Init init, double scale);

/// A linear layer whose weight is `blocks` blocks on the diagonal: [..., in] -> [..., out], each block in/blocks wide.
class BlockLinearImpl : public torch::nn::Module {
 public:
  BlockLinearImpl(std::int64_t in, std::int64_t out, std::int64_t blocks, Init init);
  /// [N, blocks, in/blocks] -> [N, blocks, out/blocks].
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::Tensor weight_, bias_;  // [blocks, in/blocks, out/blocks], [blocks, 1, out/blocks]
};
TORCH_MODULE(BlockLinear);

/// `layers` Dense layers of `units`, then, when out > 0, an output of `out` numbers begun with `out_scale`.
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(std::int64_t in, std::int64_t layers, std::int64_t units, const LayerStyle& style, std::int64_t out = 0,
          double out_scale = 1);
  torch::Tensor forward(torch::Tensor x);
  /// The first layer's share of the input from column `from` on, for forward_with().
  torch::Tensor part(const torch::Tensor& b, std::int64_t from) { return layers_.front()->part(b, from); }
  torch::Tensor forward_with(const torch::Tensor& a, const torch::Tensor& b_part);

 private:
  torch::Tensor rest(torch::Tensor x);
  std::vector<Dense> layers_;
  torch::nn::Linear out_{nullptr};
};
TORCH_MODULE(Mlp);

}  // namespace dream
