#pragma once
#include <optional>
#include <vector>

#include "core/nn/torch.h"

namespace dream {

/// What follows a layer's product and norm. simplex: sim_norm().
enum class After { none, elu, tanh, mish, simplex };

struct StackedLayer {
  std::int64_t out = 0;
  bool norm = true;  // a layer norm before what follows
  After after = After::mish;
};

/// How weights begin: normal of deviation 0.02 (TD-MPC2), or orthogonal (TD-MPC). Biases begin at 0.
enum class StackedInit { normal, orthogonal };

struct StackedOptions {
  std::int64_t in = 0;
  std::vector<StackedLayer> layers;
  std::int64_t members = 1;
  std::int64_t group = 8;  // of a simplex
  double dropout = 0;      // of the first layer's product, before its norm
  StackedInit init = StackedInit::normal;
  bool zero_last = false;  // the last layer's weights begin at 0
};

/// `members` networks of one shape that see the same input, as one: their weights lie in one tensor [E, in, out] a
/// layer, so that an ensemble is one product.
class StackedMlpImpl : public torch::nn::Module {
 public:
  explicit StackedMlpImpl(const StackedOptions& options);
  /// [..., in] -> [..., out] of a single member, [E, ..., out] of more. With `chance` numbers are dropped, each
  /// member's own.
  torch::Tensor forward(const torch::Tensor& x, const std::optional<at::Generator>& chance = {});
  /// bf16 products of many rows without gradient, as a plan's candidates are; of what learns, Autocast says so. What
  /// comes out is float32 nevertheless.
  void set_bfloat16(bool on) { bfloat16_ = on; }

 private:
  struct Narrow {
    torch::Tensor weight, bias;
    std::int64_t version = -1;  // of the weight that it was made from
  };
  /// Weights and biases of a layer as bf16, made anew when they have changed.
  const Narrow& narrow(std::size_t layer);
  torch::Tensor product(const torch::Tensor& y, std::size_t layer, bool by_bfloat16);

  StackedOptions options_;
  std::vector<torch::Tensor> weights_, biases_;  // [E, in, out], [E, 1, out]
  std::vector<torch::Tensor> scales_, shifts_;   // [E, 1, out]; undefined without a norm
  std::vector<Narrow> narrow_;
  bool bfloat16_ = false;
};
TORCH_MODULE(StackedMlp);

/// Moves the weights of `average` by `share` towards those of `of`, a module of the same layers.
void follow_slowly(torch::nn::Module& average, const torch::nn::Module& of, double share);

}  // namespace dream
