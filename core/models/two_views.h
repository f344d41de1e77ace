#pragma once
#include "core/models/representation.h"
#include "core/models/self_supervised_options.h"
#include "core/models/viewing_decoder.h"
#include "core/models/picture_views.h"
#include "core/nn/regularisers.h"

namespace dream {

enum class TwoViewsKind { byol, vicreg };

struct TwoViewsOptions {
  TwoViewsKind kind = TwoViewsKind::byol;
  EncoderOptions encoder;
  std::int64_t units = 256,
               out = 128;  // of the networks behind the encoder: hidden numbers; numbers of what is compared
  TargetFrom target = TargetFrom::ema;  // byol
  bool predictor = true;  // byol: what is compared goes through one further network on the side that learns
  VicRegOptions weights;  // vicreg
  ViewOptions views;
  ViewingOptions view;

  void fields(Config& config);
};

/// Linear layers with batch norm and ReLU between, `hidden` of them, then a linear one. Batch statistics alone: it is used in
/// training only.
class ViewProjectorImpl : public torch::nn::Module {
 public:
  ViewProjectorImpl(std::int64_t in, std::int64_t hidden, std::int64_t units, std::int64_t out, bool bias);
  torch::Tensor forward(torch::Tensor x);  // [N, in] -> [N, out]

 private:
  std::vector<torch::nn::Linear> layers_;
  std::vector<torch::Tensor> scales_, shifts_;
  torch::nn::Linear out_{nullptr};
};
TORCH_MODULE(ViewProjector);

/// Learns by two views of a picture, that they are alike (the mean of the encoder's tokens is an embedding): BYOL (Grill et
/// al. 2020): from what encoder, projector and predictor make of one, what a slow copy makes of the other, by angle, both
/// ways. VICReg (Bardes et al. 2022): an expander behind the encoder gives both the same numbers, which must vary and say
/// different things.
class TwoViews : public SelfSupervised {
 public:
  TwoViews(const TwoViewsOptions& options, const Spaces& spaces, bool rival);

  std::int64_t width() const override { return options_.encoder.width; }
  torch::Tensor embed(const torch::Tensor& clips) override { return embedded(encoder_, clips); }

  Loss loss(const torch::Tensor& clips, at::Generator rng) override;
  /// The same of two given views, float [B, C, H, W] in [0, 1].
  Loss loss_of(const torch::Tensor& one, const torch::Tensor& other);
  std::vector<Curve> curves() const override;
  void follow(double share) override;
  torch::Tensor viewing_loss() override;
  const ViewingOptions& view() const override { return options_.view; }
  /// What was set live.
  TwoViewsOptions& options() { return options_; }

  std::vector<std::string> probe_names() const override;
  void report(const torch::Tensor& clip, ProbeSink& sink) override;
  void report_batch(ProbeSink& sink) override;
  std::vector<Frame> batch_frames() override;
  void rest() override { last_ = {}; }

 private:
  static torch::Tensor embedded(Vit& encoder, const torch::Tensor& clips) {
    return encoder(encoder->pieces(clips)).mean(1);
  }
  Loss byol(const torch::Tensor& views, std::int64_t count);
  Loss vicreg(const torch::Tensor& views, std::int64_t count);
  void show(const torch::Tensor& clip, ProbeSink& sink);

  TwoViewsOptions options_;
  Vit encoder_{nullptr}, slow_encoder_{nullptr};
  ViewProjector projector_{nullptr}, slow_projector_{nullptr}, predictor_{nullptr};
  ViewingDecoder viewer_{nullptr};
  struct {
    torch::Tensor clips,
        views;        // some of the batch, uint8 [N, 1, H, W, C]; both views of its first picture [2, C, H, W]
    torch::Tensor z;  // of the last batch's first view [B, out]
  } last_;
};

}  // namespace dream
