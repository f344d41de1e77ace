#pragma once
#include "core/nn/dense.h"
#include "core/nn/transformer.h"

namespace dream {

struct LookingBackOptions {
  std::int64_t latent = 32, action = 2;      // D, A: numbers of a moment's embedding and of the action taken in it
  std::int64_t width = 128, layers = 2, heads = 4;
  std::int64_t window = 8;                   // W: moments that are looked at, this one among them
};

/// What a moment becomes, by attention over it and those before: tokens are (z, a), the last of them says how z changes.
/// Begins by changing nothing.
class LookingBackImpl : public torch::nn::Module {
 public:
  /// The moments before one: tokens [B, W − 1, D + A], the newest last, and how many of them there are [B, 1], or -1
  /// before anything was seen.
  struct Before {
    torch::Tensor tokens, count;
  };

  /// Throws dream::Error where the heads do not divide the width.
  explicit LookingBackImpl(const LookingBackOptions& options);

  Before nothing(std::int64_t batch) const;
  /// One moment on: z [B, D], in which a [B, A] was done, is before.
  static Before then(const Before& before, const torch::Tensor& z, const torch::Tensor& action);
  /// By what z changes, [B, D].
  torch::Tensor forward(const Before& before, const torch::Tensor& z, const torch::Tensor& action);

 private:
  LookingBackOptions options_;
  Linear embed_{nullptr}, read_{nullptr};
  Transformer attention_{nullptr};
  torch::Tensor place_;  // [W, width]
};
TORCH_MODULE(LookingBack);

}  // namespace dream
