#pragma once
#include "core/nn/torch.h"

#include <utility>
#include <vector>

#include "core/models/frame_encoder.h"

namespace dream {

/// Whose layers: Ha's, or ctallec/world-models' (models/vae.py), whose decoder has a ReLU behind its first layer as well.
enum class VaeKind { published, ctallec };

/// V of "World Models" (Ha & Schmidhuber 2018, appendix A.1; hardmaru/WorldModelsExperiments, vae.py): four
/// convolutions to 1024 features, a diagonal Gaussian over z, four transposed convolutions back to 64x64x3.
/// 4,348,547 parameters at z = 32.
class VaeImpl : public torch::nn::Module {
 public:
  explicit VaeImpl(std::int64_t latent_size = 32, VaeKind kind = VaeKind::published);

  struct Posterior {
    torch::Tensor mean, log_variance;               // float [B, z]
    torch::Tensor sample(at::Generator rng) const;  // μ + σ·ε
  };

  /// uint8 [B, 64, 64, 3]. bf16 inside for batches of 16 and more after `set_bfloat16(true)`. Without gradients, on the
  /// processor and from eight frames on, by FrameEncoder.
  Posterior encode(const torch::Tensor& frames);
  /// float [B, z] -> float [B, 3, 64, 64] in [0, 1].
  torch::Tensor decode(const torch::Tensor& z);

  struct Loss {
    torch::Tensor total;           // scalar: batch mean of reconstruction + max(KL, 0.5·z)
    torch::Tensor reconstruction;  // batch mean of Σ (x - x̂)² over 64·64·3
    torch::Tensor kl;              // batch mean of KL(q(z|x) ‖ N(0, I)), nats, before the tolerance
    torch::Tensor decoded;         // float [B, 3, 64, 64]
  };
  /// The tolerance 0.5·z is per sample: a sample below it gets no KL gradient (vae.py, kl_tolerance).
  Loss loss(const torch::Tensor& frames, at::Generator rng);

  std::int64_t latent_size() const { return latent_size_; }
  VaeKind kind() const { return kind_; }
  double kl_tolerance() const { return 0.5 * static_cast<double>(latent_size_); }
  void set_bfloat16(bool on) { bfloat16_ = on; }

 private:
  /// `expand` and `deconv1` have no activation between them and one pixel to work on: they are one matrix [z, 128·25]
  /// with its bias. fold() makes it, with gradients into the layers' own weights, which is also less work than the
  /// layers one after the other for batches above some 30; folded() keeps it until a weight changes.
  struct Folded {
    torch::Tensor weight, bias;
    std::vector<std::pair<const void*, std::int64_t>> made_from;  // storage and version of the four tensors
  };
  Folded fold();
  const Folded& folded();
  bool narrow(const torch::Tensor& batch) const { return bfloat16_ && batch.size(0) >= 16; }

  std::int64_t latent_size_;
  VaeKind kind_;
  bool bfloat16_ = false;
  Folded folded_;
  FrameEncoder frame_encoder_;
  torch::nn::Conv2d conv1_, conv2_, conv3_, conv4_;
  torch::nn::Linear mean_, log_variance_, expand_;
  torch::nn::ConvTranspose2d deconv1_, deconv2_, deconv3_, deconv4_;
};
TORCH_MODULE(Vae);

}  // namespace dream
