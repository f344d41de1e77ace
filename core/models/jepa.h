#pragma once
#include <utility>
#include <vector>

#include "api/spaces.h"
#include "core/config/config.h"
#include "core/models/looking_back.h"
#include "core/models/looks.h"
#include "core/models/viewing_decoder.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/image_coder.h"
#include "core/nn/dense.h"
#include "core/nn/regularisers.h"
#include "core/data/sequence_batch.h"

namespace dream {

/// What keeps the encoder from telling nothing, which is the easiest thing to predict.
enum class AntiCollapse {
  none,    // the prediction alone
  vicreg,  // variance and covariance (Bardes et al. 2022), no stop-gradient, as eb_jepa
  sigreg,  // embeddings like a standard normal (Balestriero & LeCun 2025)
  ema,     // what is predicted comes from a slow copy of the encoder (I-JEPA; Assran et al. 2023)
  byol,    // the same, compared by angle through a further network (Grill et al. 2020)
};
constexpr auto choice_names(AntiCollapse) {
  return names_of_choice("none", "vicreg", "sigreg", "ema", "byol");
}

/// What makes the next embedding: eb_jepa's GRU, whose state is z; two layers beside it, which change z by what they say; or
/// attention over the last moments, which changes it likewise.
enum class JepaPredictor { gru, residual, transformer };
constexpr auto choice_names(JepaPredictor) {
  return names_of_choice("gru", "residual", "transformer");
}

/// Weights are those of facebookresearch/eb_jepa, ac_video_jepa, but for the inverse model's, whose actions run from -1 to 1
/// here, and z is small, as the state of such worlds is.
struct JepaOptions {
  Looks observe = Looks::image;          // automatic: a vector, where the world has one and no picture is to be reached
  std::int64_t latent = 32, depth = 12;  // numbers of z; channels of the convolutions are multiples of it
  JepaPredictor predictor = JepaPredictor::residual;
  std::int64_t predictor_units = 256, inverse_units = 128, vector_units = 256;
  std::int64_t predictor_layers = 2, predictor_heads = 4, window = 8;  // of the transformer; moments that it looks at
  AntiCollapse against = AntiCollapse::vicreg;
  double variance = 16, covariance = 8, sigreg = 10, smoothness = 12, inverse = 6;  // weights of the loss
  double slow_share = 0.01;  // by which the slow encoder follows
  SigRegOptions directions;
  ViewingOptions view;

  void fields(Config& config, const std::string& prefix);
};

/// A joint-embedding predictive world model with actions (PLDM, Sobal et al. 2025; facebookresearch/eb_jepa): z = h(x),
/// z' = LN(GRU(a, z)) or LN(z + f(…, z, a)), and nothing is rebuilt of what is seen. Where a picture is to be reached, what it pays is −|z − h(x*)|²,
/// a number's mean, so that whoever plans for reward plans for the goal.
///
/// Carry: "z" [B, D]; "goal" [B, D], h(x*); "aimed" [B, 1], 1 where there is a goal, else nothing is paid. Of the transformer
/// also what it looks back at: "before" [B, W − 1, D + A] and "moments" [B, 1], see LookingBack.
class Jepa : public WorldModel {
 public:
  /// Throws dream::Error for a world without what it observes.
  Jepa(const JepaOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Carry aimed(const Carry& carry, const torch::Tensor& goal) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  Belief belief(const Carry& carry) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("z"); }
  std::int64_t feature_count() const override { return options_.latent; }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  // -- for whoever trains it ------------------------------------------------------------------------------------------

  /// A picture uint8 [..., H, W, C], or a vector [..., V] where it sees that -> [..., D].
  torch::Tensor encode(const torch::Tensor& seen) { return encode_by(encoder_, seen); }
  /// bf16 products in the encoder of many pictures; embeddings stay float32, and so does what becomes of them.
  void set_bfloat16(bool on) { bfloat16_ = on; }
  bool sees_image() const { return sees_image_; }
  /// |z − h(x*)|², a number's mean, where there is a goal, else 0: [B].
  torch::Tensor distance(const Carry& carry) const;
  struct Loss {
    torch::Tensor total;                                       // scalar with gradient
    std::vector<std::pair<std::string, torch::Tensor>> terms;  // detached, unweighted: "prediction", "variance" …
    torch::Tensor z;                                           // [T, B, D], detached
    torch::Tensor states;                                      // [T − 1, B, D]: where each step was predicted from, with gradient
  };
  /// Every step of a piece predicted from its first picture alone, by what `against` says.
  virtual Loss loss(const SequenceBatch& batch, const JepaOptions& options, at::Generator rng);
  /// The same of embeddings z [T, B, D] with gradient, where `goal` [T − 1, B, D] is to be predicted under actions
  /// [T − 1, B, A] in [-1, 1]; `within` [T − 1, B] is 0 for steps that do not count.
  Loss loss_of(const torch::Tensor& z, const torch::Tensor& goal, const torch::Tensor& action, const torch::Tensor& within,
               const JepaOptions& options, at::Generator rng);
  void follow_slowly(double share);
  virtual std::vector<torch::Tensor> learned() const;  // all but the slow encoder and the viewing decoder
  ViewingDecoder& viewer() { return viewer_; }
  const JepaOptions& options() const { return options_; }
  const ActionInput& action_input() const { return action_input_; }

 private:
  struct EncoderImpl : torch::nn::Module {
    EncoderImpl(const JepaOptions& options, std::int64_t channels, std::int64_t numbers);
    torch::Tensor forward(const torch::Tensor& seen);  // float [N, C, 64, 64], channels last, or [N, V] -> [N, D]
    ImageEncoder convs{nullptr};
    Mlp layers{nullptr};
    torch::nn::Linear flat{nullptr};
    NormLayer norm{nullptr};
  };
  TORCH_MODULE(Encoder);
  torch::Tensor encode_by(Encoder& encoder, const torch::Tensor& seen);
  using Before = LookingBackImpl::Before;
  Before before_of(const Carry& carry) const;  // undefined tensors where the predictor looks at z alone
  /// `carry` a moment later, but for z: its z, in which `action` [B, A] was done, is looked back at.
  Carry moved_on(const Carry& carry, const torch::Tensor& action) const;
  /// z [B, D] under actions [B, A] in [-1, 1] -> [B, D].
  torch::Tensor next(const Before& before, const torch::Tensor& z, const torch::Tensor& action);

  JepaOptions options_;
  bool sees_image_, bfloat16_ = false;
  ActionInput action_input_;
  Encoder encoder_{nullptr}, slow_encoder_{nullptr};
  torch::nn::GRUCell predictor_{nullptr};
  Mlp change_{nullptr};
  LookingBack looking_back_{nullptr};
  NormLayer predicted_{nullptr};
  Mlp inverse_{nullptr}, foretell_{nullptr};
  ViewingDecoder viewer_{nullptr};
};

}  // namespace dream
