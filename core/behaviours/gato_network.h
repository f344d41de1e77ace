#pragma once
#include "core/behaviours/gato_tokens.h"
#include "core/nn/patch_embedding.h"
#include "core/nn/transformer.h"

namespace dream {

struct GatoNetworkOptions {
  TransformerOptions net{.width = 96, .layers = 3, .heads = 4, .dropout = 0, .between = Between::gelu_tanh};
  std::int64_t context = 8;    // steps that it remembers
  std::int64_t channels = 24;  // of the pictures' residual block
  bool recalls_actions = true;  // it is told what it did, not only what it saw
};

/// The one network behind all worlds: a causal transformer over
///
///   the words of the line, then for every step what was seen, the separator, what was done (one token per axis)
///
/// Added to what was seen is a code of its place in the step, and to the words likewise; to what was done nothing (appendix
/// C.3). Departures, all for the small size: a code of the step's place in the window is added to all its tokens; the tokens
/// of numbers begin as neighbours where their numbers are (waves over the bins, later learned like all others); a token's
/// vector is also the head's (tied, as in GPT-2); GELU, not GEGLU. Without `recalls_actions` every step's last axis is told as
/// a separator: who may look at what the demonstrator just did learns to repeat it, and not to look (de Haan et al. 2019).
class GatoNetworkImpl : public torch::nn::Module {
 public:
  GatoNetworkImpl(const GatoNetworkOptions& options, const GatoVocabulary& vocabulary);

  /// What a world shows, as its tokens' vectors: [N, tokens.seen(), D].
  torch::Tensor see(const GatoTokens& tokens, const torch::Tensor& image, const torch::Tensor& vector);

  struct Window {
    torch::Tensor line;     // int64 [P], GatoVocabulary::line(); the same in all lanes
    torch::Tensor seen;     // [B, T, N, D], of see()
    torch::Tensor actions;  // int64 [B, T, A]: tokens
    torch::Tensor present;  // [B, T], 0 where there was no step
  };
  /// How likely each token is as every action's, given all before it: logits [B, T, A, vocabulary.actions()].
  /// `weights`, where given, gets each layer's attention [B, H, S, S] over all S = P + T (N + 1 + A) tokens.
  torch::Tensor forward(const Window& window, std::vector<torch::Tensor>* weights = nullptr, std::optional<at::Generator> chance = {});
  /// The cross-entropy of forward() against what was done, over the steps that are there. Scalar. `chance` drops out, as in learning.
  torch::Tensor loss(const Window& window, std::optional<at::Generator> chance = {});

 private:
  GatoNetworkOptions options_;
  std::int64_t actions_, separator_;
  torch::Tensor of_token_;  // [vocabulary.size(), D]
  torch::Tensor of_place_;  // [GatoTokens::most_seen, D]
  torch::Tensor of_step_;   // [context, D]
  PatchEmbedding patches_{nullptr};
  Transformer net_{nullptr};
};
TORCH_MODULE(GatoNetwork);

}  // namespace dream
