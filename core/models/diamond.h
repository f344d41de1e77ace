#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/models/diamond_networks.h"
#include "core/models/diamond_upsampler.h"
#include "core/models/edm.h"
#include "core/models/recent_frames.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/narrowed.h"

namespace dream {

/// The defaults are the paper's.
struct DiamondOptions {
  std::int64_t context = 4;  // K: frames that it looks back at
  std::int64_t width = 64, levels = 4, depth = 2, condition = 256;  // of the denoiser
  std::int64_t reward_width = 32, reward_depth = 2, reward_condition = 128, reward_memory = 512;  // of the reward and end model
  EdmOptions edm;
  bool noisy_past = false;    // the frames that it looks back at get noise while it learns, and it is told how much (branch csgo)
  double past_noise = 0.005;  // σ of it in a dream, as the knob begins
  SamplerOptions sampler;     // as the knobs begin
  UpsamplerOptions upsampler;

  void fields(Config& config, const std::string& prefix);
  DenoiserOptions denoiser() const;
  RewardEndOptions reward_end() const;
};

/// DIAMOND (Alonso et al. 2024): the next frame is drawn by diffusion from the last K frames and the actions done in them, pixel by
/// pixel and without a latent; what it paid and whether it was the last is said by a network beside it. With an upsampler (their branch
/// csgo) all of that happens in pictures of a side f times smaller, [C, h, w], and each of them is made large for whoever looks.
///
/// Carry: "frame0" … "frameK" [B, C, H, W] in [-1, 1], the newest last, gray where the episode had not begun, "filled" [B, 1] of them;
/// "actions" [B, K + 1, A], what was done in each as a network sees it, nothing yet in the newest; "reward" [B, 3] and "end" [B, 1]:
/// probabilities of −1, 0, 1 and of the end; "h" and "c", what the reward and end model remembers, where it has "followed" [B, 1].
/// Beside frames of h = H / f observe() has "full" [B, C, H, W], the newest as it was seen; from a carry that has it imagine() makes the
/// next one, and "upsampling" uint8 [B, steps, C, H, W]. Planners and actor-critics, which begin with what initial() names, imagine
/// without, and see no large picture.
/// A step shares its older frames with the one before. observe() leaves that model where it is; it follows, from the frames that are
/// there, when somebody asks. imagine() adds "denoising" uint8 [B, steps, C, H, W], the frame after each step.
class Diamond : public WorldModel, public RecentFrames {
 public:
  /// Throws dream::Error for a world without pictures, or with such as cannot be made f times smaller.
  Diamond(const DiamondOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry initial_shown(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  /// Of a carry that has no large picture, the small one by bicubic interpolation.
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  /// Rewards are known by their signs.
  torch::Tensor reward_to_target(const torch::Tensor& reward) const override { return reward.sign(); }
  /// −log p of the frame, as if it had unit variance around what is expected before anything of it is seen; without the constant.
  torch::Tensor surprise(const Carry& seen) override;
  /// The last K frames, 8 x 8 numbers of each channel.
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override;
  Frames recent_frames(const Carry& carry) override;
  std::vector<std::string> probe_names() const override;
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  /// uint8 [..., H, W, C] -> [..., C, H, W] in [-1, 1].
  static torch::Tensor pictures_of(const torch::Tensor& image);
  /// The same as it dreams of them, f times smaller.
  torch::Tensor frames_of(const torch::Tensor& image) const { return small_pictures(pictures_of(image), options_.upsampler.factor); }
  /// A carry whose frames [K + 1 or fewer, B, C, H, W] were seen, with the actions [·, B, A'] done in all but the last; each where it is
  /// `there` [·, B].
  Carry having_seen(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& there);

  /// F of noisy frames [B, C, H, W] at `sigma` [B], after `past` [B, K, C, H, W] in which `actions` [B, K, A] were done, and where it has
  /// learned of noisy ones noise of level `past_sigma` [B] lies.
  torch::Tensor network_output(const torch::Tensor& noisy, const Conditioners& c, const torch::Tensor& past, const torch::Tensor& actions,
                               const torch::Tensor& past_sigma = {});
  /// What the denoiser learns by, of pieces of T > K frames, `actions` [T, B, A] done in each as a network sees it and each `there`
  /// [T, B]: the mean of EDM's weighted errors of the last T − K (the paper's equation 2). All but the first of them follow what was
  /// made of the ones before, not what was seen, as in a dream. `noised` draws a level for each lane and lays noise of it over a frame, or
  /// over the K frames before it as if they were one of K · C channels, where the past is noisy; that is first.
  struct Noised {
    torch::Tensor sigma, frame;  // [B], [B, C, H, W]
  };
  torch::Tensor denoising_loss(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& there,
                               const std::function<Noised(const torch::Tensor& frame)>& noised);
  const ActionInput& action_input() const { return input_; }
  const DiamondOptions& options() const { return options_; }
  Denoiser& denoiser() { return denoiser_; }
  RewardEnd& reward_end() { return reward_end_; }
  DiamondUpsampler& upsampler() { return upsampler_; }  // empty where f = 1
  /// Dreams in bf16 with weights that are narrowed once, where planes (core/nn/planes.h) are not as fast.
  void set_bfloat16(bool on);

 private:
  /// The carry with its reward and end model where the newest frame is.
  Carry followed(const Carry& carry);
  Carry followed_by(Carry carry, const torch::Tensor& before, const torch::Tensor& action, const torch::Tensor& after);
  torch::Tensor past_of(const Carry& carry, std::int64_t first) const;  // frames first … first + K − 1
  torch::Tensor denoised(const torch::Tensor& x, double sigma, const torch::Tensor& past, const torch::Tensor& actions, double past_noise);
  bool narrows(const torch::Tensor& x) const;
  torch::Tensor shown(const Carry& carry) const;  // [B, C, H, W]

  DiamondOptions options_;
  ActionInput input_;
  std::int64_t channels_, height_, width_;  // of the frames that it dreams
  Denoiser denoiser_{nullptr}, narrow_denoiser_{nullptr};
  RewardEnd reward_end_{nullptr};
  DiamondUpsampler upsampler_{nullptr};
  StepCoder narrow_coder_{nullptr};  // no parts of this module, like narrow_denoiser_
  Narrowed denoiser_weights_, coder_weights_;
  bool bfloat16_ = false;
};

}  // namespace dream
