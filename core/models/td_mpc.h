#pragma once
#include "api/spaces.h"
#include "core/config/config.h"
#include "core/models/looks.h"
#include "core/models/viewing_decoder.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/stacked_mlp.h"
#include "core/nn/two_hot.h"

namespace dream {

/// Everything in which the models of TD-MPC (Hansen et al. 2022) and TD-MPC2 (Hansen et al. 2024) differ; the defaults
/// are those of TD-MPC2's 5M (nicklashansen/tdmpc2).
struct TdMpcOptions {
  Looks observe = Looks::automatic;
  std::int64_t latent = 512, group = 8;  // numbers of z, and of each simplex of it
  std::int64_t units = 512;              // of dynamics, reward and termination, two layers each
  std::int64_t encoder_units = 256, encoder_layers = 2;
  std::int64_t channels = 32;  // of the convolutions
  std::int64_t frames = 3;     // pictures that are seen at once, as one shows no velocity
  std::int64_t shift = 3;      // pixels by which pictures are moved about while it learns
  bool episodic = false;       // predicts whether a step was the last
  std::int64_t bins = 101;     // of the two-hot reward
  double limit = 10;           // the outermost bins, in symlog space
  std::int64_t task_numbers = 96;  // of a task's embedding, in a world of several in turn
  bool first = false;          // TD-MPC of 2022: ELU without norms or simplices, rewards as plain numbers
  ViewingOptions view;

  void fields(Config& config, const std::string& prefix);
};

/// Four convolutions over 64 x 64 pictures, [N, C, 64, 64] -> [N, size()].
class TdConvsImpl : public torch::nn::Module {
 public:
  TdConvsImpl(std::int64_t picture_channels, std::int64_t channels, bool first);
  torch::Tensor forward(torch::Tensor x);
  std::int64_t size() const { return size_; }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  bool first_;
  std::int64_t size_;
};
TORCH_MODULE(TdConvs);

/// The latent model of TD-MPC and TD-MPC2: z = h(x) of what is seen now, z' = d(z, a), r = R(z, a). Nothing is rebuilt
/// of what is seen: z holds what returns can be told from. Carry: "z" [B, L], "reward" [B, 1] of the step that led
/// here; after a step also "reward_logits" [B, bins], and of TD-MPC2 "prior" [B, L], the log of what the dynamics
/// expect, and after observe() "posterior", that of what was seen. Who sees several pictures at once keeps those before
/// the next one: "past" uint8 [B, H, W, C·(frames − 1)], oldest first; all 0 where nothing was seen before.
///
/// In a world of several tasks in turn (Spaces::tasks) TD-MPC2 learns an embedding of each, of norm 1 at most, which goes into
/// every net: z ends with it, and is [B, L + E].
class TdMpc : public WorldModel {
 public:
  /// Throws dream::Error when the spaces lack what it observes, or the latent cannot be cut into groups.
  TdMpc(const TdMpcOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor surprise(const Carry& seen) override;  // KL(h(x) ‖ d(z, a)), summed over the simplices
  Belief belief(const Carry& carry) override;
  torch::Tensor features(const Carry& carry) override { return carry.at("z"); }
  std::int64_t feature_count() const override { return options_.latent + (tasks_.defined() ? options_.task_numbers : 0); }
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  // -- for whoever trains it; actions in [-1, 1], leading dimensions as they come ------------------------------------

  /// What is seen as a latent: image [..., H, W, C·frames], the newest last, or vector [..., V] -> [..., L]. With
  /// `chance` pictures are moved about.
  torch::Tensor encode(const Observation& observation, const std::optional<at::Generator>& chance = {});
  /// The same by TD-MPC's slow encoder, which follows by update_target(). TD-MPC2 has none.
  torch::Tensor encode_slowly(const Observation& observation, const std::optional<at::Generator>& chance = {});
  void update_target(double share);
  torch::Tensor next(const torch::Tensor& z, const torch::Tensor& action);
  /// [..., bins], of TD-MPC [..., 1].
  torch::Tensor reward_logits(const torch::Tensor& z, const torch::Tensor& action);
  torch::Tensor reward_of(const torch::Tensor& logits) const;                                 // [...]
  torch::Tensor reward_loss(const torch::Tensor& logits, const torch::Tensor& reward) const;  // [...]
  torch::Tensor termination_logit(const torch::Tensor& z);                                    // [...]

  /// bf16 products where many states are imagined at once, as a plan's candidates are.
  void set_bfloat16(bool on);
  const ActionInput& action_input() const { return action_input_; }
  std::vector<torch::Tensor> encoder_parameters() const;
  std::vector<torch::Tensor> other_parameters() const;  // of dynamics, reward and termination
  /// Null where the world has no pictures, or none are wanted.
  const ViewingDecoder& viewing() const { return viewing_; }
  bool sees_image() const { return sees_image_; }
  /// Pictures before the newest that are seen with it.
  std::int64_t past() const { return sees_image_ ? options_.frames - 1 : 0; }
  const TdMpcOptions& options() const { return options_; }

 private:
  bool simplicial() const { return !options_.first; }
  torch::Tensor encode_by(TdConvs& convs, StackedMlp& encoder, const Observation& observation,
                          const std::optional<at::Generator>& chance);
  torch::Tensor latent_of(const torch::Tensor& z) const { return z.slice(-1, 0, options_.latent); }
  /// `latent` with the task that `z` ends with.
  torch::Tensor with_task_of(const torch::Tensor& z, const torch::Tensor& latent) const {
    return tasks_.defined() ? torch::cat({latent, z.slice(-1, options_.latent)}, -1) : latent;
  }
  torch::Tensor with_past(const Carry& carry, const torch::Tensor& image) const;
  torch::Tensor no_past(std::int64_t batch) const;
  torch::Tensor embedding_of(const torch::Tensor& task) const;  // [...] -> [..., E]
  torch::Tensor groups_of(const torch::Tensor& latent) const { return latent.unflatten(-1, {-1, options_.group}); }

  TdMpcOptions options_;
  Spaces spaces_;
  ActionInput action_input_;
  bool sees_image_;
  TwoHot two_hot_;
  TdConvs convs_{nullptr}, slow_convs_{nullptr};
  StackedMlp encoder_{nullptr}, slow_encoder_{nullptr}, dynamics_{nullptr}, reward_{nullptr}, termination_{nullptr};
  ViewingDecoder viewing_{nullptr};
  torch::Tensor tasks_;  // [n, E]; undefined in a world of one task
};

}  // namespace dream
