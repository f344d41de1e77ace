#pragma once
#include <string>
#include <utility>
#include <vector>

#include "api/snapshot.h"
#include "core/models/vae.h"
#include "core/models/viewing_decoder.h"
#include "core/nn/torch.h"
#include "core/probe/sink.h"

namespace dream {

/// What has learned to see, and no more: a picture becomes numbers. It dreams nothing and drives nothing. Calls are made
/// without gradients by their callers.
class Representation : public torch::nn::Module {
 public:
  virtual std::int64_t width() const = 0;            // numbers of an embedding
  virtual std::int64_t frames() const { return 1; }  // of the clip that it looks at
  /// uint8 [N, T, H, W, C], T frames -> [N, width()].
  virtual torch::Tensor embed(const torch::Tensor& clips) = 0;
  /// Of pictures, uint8 [N, H, W, C], which stand still where it looks at clips; some at a time.
  torch::Tensor embed_pictures(const torch::Tensor& pictures);

  /// A VAE of as many numbers that learned beside it from the same pictures, to hold it against; empty where there is none.
  virtual Vae rival() const { return Vae{nullptr}; }

  virtual std::vector<std::string> probe_names() const = 0;
  /// Of a clip, uint8 [1, T, H, W, C]; computes only what the sink wants.
  virtual void report(const torch::Tensor& clip, ProbeSink& sink) = 0;
};

/// One that learns from pictures alone, without labels.
class SelfSupervised : public Representation {
 public:
  struct Curve {
    std::string name, title, unit;
  };
  struct Loss {
    torch::Tensor total;                                       // scalar with gradient
    std::vector<std::pair<std::string, torch::Tensor>> terms;  // detached, by the names of curves()
  };
  /// Of a batch of clips, uint8 [B, T, H, W, C], which it keeps to show.
  virtual Loss loss(const torch::Tensor& clips, at::Generator rng) = 0;
  virtual std::vector<Curve> curves() const = 0;
  /// After an update: what is slow goes `share` of the way.
  virtual void follow(double share) { (void)share; }
  /// What the loss's gradient is for: matrices, which decay, or biases and scales, which do not.
  std::vector<torch::Tensor> learned(bool matrices) const;

  /// Pictures for people are painted by networks beside it, which teach it nothing: their loss on the last batch (scalar,
  /// undefined without them), and their weights.
  virtual torch::Tensor viewing_loss() { return {}; }
  virtual const ViewingOptions& view() const = 0;
  std::vector<torch::Tensor> viewing_weights() const;

  Vae rival() const override { return vae_; }
  /// What the last batch shows; empty before the first.
  virtual std::vector<Frame> batch_frames() { return {}; }
  virtual void report_batch(ProbeSink& sink) = 0;
  virtual void rest() = 0;  // the last batch goes

 protected:
  void add_rival(bool on, std::int64_t side, std::int64_t channels);

 private:
  Vae vae_{nullptr};
};

}  // namespace dream
