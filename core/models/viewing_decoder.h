#pragma once
#include "api/spaces.h"
#include "core/config/config.h"
#include "core/nn/image_coder.h"
#include "core/nn/optimiser.h"

namespace dream {

struct ViewingOptions {
  bool on = true;
  std::int64_t depth = 16;     // channels of the transposed convolutions are multiples of it
  std::int64_t pictures = 16;  // frames of a batch that it learns from
  std::int64_t every = 4;      // updates of the model between two of its own
  double learning_rate = 1e-3;

  void fields(Config& config, const std::string& prefix);
};

/// Paints what a model without a decoder has in mind, for people: features [N, F] -> picture. The model learns nothing
/// from it.
class ViewingDecoderImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error where the world's pictures are not of 64 x 64 pixels.
  ViewingDecoderImpl(std::int64_t features, const Spaces& spaces, std::int64_t depth);
  /// float [N, C, 64, 64] in [0, 1].
  torch::Tensor forward(const torch::Tensor& features);
  /// Mean squared error against uint8 [N, 64, 64, C], of numbers in [0, 1]; no gradient reaches the features. Scalar.
  torch::Tensor loss(const torch::Tensor& features, const torch::Tensor& image);

 private:
  torch::Tensor decode(const torch::Tensor& features);
  ImageDecoder decoder_;
};
TORCH_MODULE(ViewingDecoder);

/// Learns beside a model's own learner.
class ViewingTrainer {
 public:
  ViewingTrainer(ViewingDecoder decoder, const ViewingOptions& options);
  /// Whether update `number` (from 1) is one of its own.
  bool due(std::int64_t number) const { return (number - 1) % options_.every == 0; }
  /// One step from features [N, F] and their pictures uint8 [N, 64, 64, C], of which it takes as many as it wants,
  /// evenly. Returns the loss. Throws dream::Error, and changes nothing, where that is not finite.
  double learn(const torch::Tensor& features, const torch::Tensor& image);
  void save(Checkpoint& into, const std::string& prefix) const { optimiser_.save(into, prefix); }
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  ViewingDecoder decoder_;
  ViewingOptions options_;
  Optimiser optimiser_;
};

}  // namespace dream
