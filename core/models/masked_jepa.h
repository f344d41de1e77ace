#pragma once
#include "core/base/rng.h"
#include "core/models/representation.h"
#include "core/models/self_supervised_options.h"
#include "core/models/viewing_decoder.h"
#include "core/nn/dense.h"
#include "core/nn/stacked_mlp.h"

namespace dream {

struct MaskedJepaOptions {
  EncoderOptions encoder;
  std::int64_t predictor_width = 48, predictor_layers = 4, predictor_heads = 4;
  TargetFrom target = TargetFrom::ema;
  BlockMaskOptions masks;                                                // of pictures
  TubeMaskOptions short_range{}, long_range{.blocks = 2, .share = 0.7};  // of clips
  ViewingOptions view;

  bool clips() const { return encoder.frames > 1; }
  void fields(Config& config);
};

/// I-JEPA (Assran et al. 2023; facebookresearch/ijepa): an encoder sees what masks leave of a picture, and a predictor says,
/// from that and from where they lie, what a slow copy of the encoder, which sees the whole picture, makes of the patches
/// that are hidden: smooth L1 to its output, each token normalised. Of clips it is V-JEPA (Bardes et al. 2024;
/// facebookresearch/jepa): tokens of several frames, two ways of masking at once, L1. An embedding is the mean of the slow
/// encoder's tokens.
class MaskedJepa : public SelfSupervised {
 public:
  /// `rival`: a VAE learns beside it.
  MaskedJepa(const MaskedJepaOptions& options, const Spaces& spaces, bool rival);

  std::int64_t width() const override { return options_.encoder.width; }
  std::int64_t frames() const override { return options_.encoder.frames; }
  torch::Tensor embed(const torch::Tensor& clips) override;

  Loss loss(const torch::Tensor& clips, at::Generator rng) override;
  /// The same under given masks, one for each way of masking.
  Loss loss_under(const torch::Tensor& clips, const std::vector<Masks>& masks);
  /// Draws what loss() hides.
  std::vector<Masks> masks(std::int64_t batch, Rng chance) const;
  std::vector<Curve> curves() const override;
  void follow(double share) override { dream::follow_slowly(*slow_encoder_, *encoder_, share); }
  torch::Tensor viewing_loss() override;
  const ViewingOptions& view() const override { return options_.view; }
  /// What was set live.
  MaskedJepaOptions& options() { return options_; }

  std::vector<std::string> probe_names() const override;
  void report(const torch::Tensor& clip, ProbeSink& sink) override;
  void report_batch(ProbeSink& sink) override;
  std::vector<Frame> batch_frames() override;
  void rest() override { last_ = {}; }

 private:
  /// One picture under one way of masking, and what is made of it.
  struct Shown {
    torch::Tensor pieces;                                 // [P, numbers]
    torch::Tensor context;                                // [K]
    std::vector<torch::Tensor> targets, told, predicted;  // of every target block: [N]; [N, D]; [N, D]
    torch::Tensor z;                                      // [D]
  };
  torch::Tensor targets_of(const torch::Tensor& pieces);  // normalised tokens [N, P, D]
  Shown shown(const torch::Tensor& clip, const Masks& masks);
  Image masked_picture(const Shown& shown) const;
  Image predicted_picture(const Shown& shown);
  void show(const Shown& shown, ProbeSink& sink);

  MaskedJepaOptions options_;
  VitShape shape_;
  Vit encoder_{nullptr}, slow_encoder_{nullptr};
  VitPredictor predictor_{nullptr};
  Mlp viewer_{nullptr};  // a token -> its pixels
  struct {
    torch::Tensor clip, pieces, told;  // [1, T, H, W, C]; some of the batch [N, P, numbers], [N, P, D]
    Masks masks;                       // of that clip
  } last_;
};

}  // namespace dream
