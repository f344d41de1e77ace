#pragma once
#include <vector>

#include "core/nn/unet.h"

namespace dream {

// The networks of DIAMOND (Alonso et al. 2024; eloialonso/diamond, inner_model.py and rew_end_model.py). Pictures [B, C, H, W] in
// [-1, 1]; an action is its input [A], a one-hot of choices or a box in [-1, 1].

struct DenoiserOptions {
  std::int64_t context = 4;  // K: frames that it looks back at
  UNetOptions unet = {};
  bool told_of_past = false;  // of the noise in them too, as branch csgo's are
};

/// F: what is left to say of a noisy picture, from K earlier ones and the actions done in them. 4,405,955 parameters for three
/// channels and four choices. Without actions it is told of the pictures alone, as an upsampler is.
class DenoiserImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error where the condition cannot be shared by the context's actions.
  DenoiserImpl(const DenoiserOptions& options, std::int64_t channels, std::int64_t actions);

  /// [B, condition]: of the level (Conditioners::noise, [B]), the actions [B, K, A], undefined where there are none, and where it is told
  /// of the earlier pictures' noise that of them (told_noise(), [B]). Always float32.
  torch::Tensor condition(const torch::Tensor& noise, const torch::Tensor& actions, const torch::Tensor& past_noise = {});
  /// In the type of the weights, as planes where they serve; -> float32. x [B, C, H, W] scaled by Conditioners::in; past [B, K·C, H, W]
  /// scaled by 1 / sigma_data, oldest first.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& past, const torch::Tensor& condition);
  bool takes_planes(const torch::Tensor& x) const { return unet_->takes_planes(x); }

 private:
  torch::Tensor frequencies_, past_frequencies_;  // [1, condition / 2]; the second undefined where it is not told
  torch::Tensor action_embedding_;                // [A, condition / K], or undefined
  torch::nn::Linear condition1_{nullptr}, condition2_{nullptr};
  torch::nn::Conv2d in_{nullptr}, out_{nullptr};
  PlaneConvolution plane_in_, plane_out_;
  UNet unet_{nullptr};
  GroupNorm norm_{nullptr};
};
TORCH_MODULE(Denoiser);

struct RewardEndOptions {
  UNetOptions net = {.condition = 128, .channels = {32, 32, 32, 32}, .depth = 2};
  std::int64_t memory = 512;  // of the LSTM
};

/// Looks at a step: the frames before and after it, and the action.
class StepCoderImpl : public torch::nn::Module {
 public:
  StepCoderImpl(const UNetOptions& options, at::IntArrayRef picture, std::int64_t actions);
  /// In the type of the weights; before and after [N, C, H, W], actions [N, A] -> float32 [N, size()].
  torch::Tensor forward(const torch::Tensor& before, const torch::Tensor& actions, const torch::Tensor& after);
  bool takes_planes(const torch::Tensor& x) const { return net_->takes_planes(x); }
  std::int64_t size() const { return size_; }

 private:
  std::int64_t size_;
  torch::Tensor action_embedding_;  // [A, condition]
  torch::nn::Conv2d in_{nullptr};
  PlaneConvolution plane_in_;
  DownNet net_{nullptr};
};
TORCH_MODULE(StepCoder);

/// What a step paid, as its sign, and whether it was the last: by an LSTM that remembers the steps before. 5,900,864 parameters at
/// 64 x 64 with three channels and four choices.
class RewardEndImpl : public torch::nn::Module {
 public:
  RewardEndImpl(const RewardEndOptions& options, at::IntArrayRef picture, std::int64_t actions);

  struct State {
    torch::Tensor h, c;  // [B, memory]
  };
  struct Said {
    torch::Tensor reward, end;  // logits [T, B, 3] of −1, 0, 1, and [T, B, 2] of going on and ending
    State state;
  };
  /// T steps as a coder saw them, [T, B, size].
  Said forward(const torch::Tensor& steps, const State& state);
  /// One step [B, size] of few lanes, with the LSTM's weights in bf16; without gradients, on the processor.
  Said step(const torch::Tensor& seen, const State& state);
  /// T steps: before and after [T, B, C, H, W], actions [T, B, A].
  torch::Tensor look(const torch::Tensor& before, const torch::Tensor& actions, const torch::Tensor& after);
  State initial(std::int64_t batch) const;
  StepCoder& coder() { return coder_; }

 private:
  std::int64_t memory_;
  StepCoder coder_{nullptr};
  torch::nn::LSTM lstm_{nullptr};
  torch::nn::Linear hidden_{nullptr}, out_{nullptr};
  NarrowProduct product_;
};
TORCH_MODULE(RewardEnd);

/// Cross-entropies of rewards' signs and of ends, means over the steps that are `alive`; all [T, B].
struct RewardEndLoss {
  torch::Tensor reward, end;  // scalars with gradient
};
RewardEndLoss reward_end_loss(const RewardEndImpl::Said& said, const torch::Tensor& reward, const torch::Tensor& end,
                              const torch::Tensor& alive);

}  // namespace dream
