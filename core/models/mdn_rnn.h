#pragma once
#include "core/nn/torch.h"

#include "core/nn/lstm.h"

namespace dream {

struct MdnRnnOptions {
  std::int64_t latent_size = 32;
  std::int64_t action_size = 3;
  std::int64_t hidden_size = 256;
  std::int64_t mixtures = 5;  // per z dimension
  bool heads = false;         // also predict reward and done, as ctallec/world-models does
  bool restarts = false;      // also takes whether an episode begins here, and predicts whether it is over next (doomrnn)
  bool joint = false;         // one mixture of whole z: a draw takes one component for all of them (ctallec/world-models, mdrnn.py)
};

/// M of "World Models" (Ha & Schmidhuber 2018, appendix A.2; hardmaru/WorldModelsExperiments, rnn.py): an LSTM over
/// [z, a] whose output is, for every z dimension on its own, a mixture of five Gaussians for the next value.
/// 422,368 parameters at z = 32, a = 3, h = 256; 514 more with the reward and done heads. 1,678,785 with restarts at z = 64, a = 1,
/// h = 512 (doomrnn/doomrnn.py).
class MdnRnnImpl : public torch::nn::Module {
 public:
  explicit MdnRnnImpl(const MdnRnnOptions& options);

  /// What h says of the next z. Leading dimensions are those of h.
  struct Output {
    torch::Tensor log_weights, mean, log_deviation;  // [..., z, K]; log_weights are normalised, and with joint the same for all z
    torch::Tensor reward, done_logit;                // [...], undefined without heads; with restarts done_logit alone
    bool joint = false;
  };
  Output output(const torch::Tensor& h);
  /// Of output() what is no mixture.
  Output outcome(const torch::Tensor& h);

  /// h_{t+1} from z_t [B, z], a_t [B, A] and h_t; with restarts also from whether z_t is an episode's first, [B, 1].
  LstmState step(const torch::Tensor& z, const torch::Tensor& action, const LstmState& state, const torch::Tensor& first = {});

  /// z' with its component: k ~ softmax(logits / τ_mix), z' = μ_k + σ_k·√τ_σ·ε, each z dimension on its own; with joint one k for all.
  struct Draw {
    torch::Tensor z, component;  // float and int64 [B, z]
  };
  static Draw sample(const Output& output, double tau_mixture, double tau_sigma, at::Generator rng);

  /// The same from h [B, H] itself, without intermediates on a CPU. Needs no gradient.
  Draw draw(const torch::Tensor& h, double tau_mixture, double tau_sigma, at::Generator rng);

  struct Loss {
    torch::Tensor total, nll, reward, done;  // scalars; reward (MSE) and done (BCE) undefined without heads
  };
  /// Teacher forcing from h = 0. z [T+1, B, z], actions [T, B, A], rewards and dones [T, B] (read with heads only).
  /// nll is the mean over time, batch and z dimensions of -log p(z_{t+1}), with joint 1/z of the whole z's; `total` adds the
  /// heads' terms scaled by 1/z, so that each weighs as much as one latent dimension.
  Loss loss(const torch::Tensor& z, const torch::Tensor& actions, const torch::Tensor& rewards,
            const torch::Tensor& dones);

  /// With restarts: teacher forcing of whole episodes, from their first frames and from h = 0. z [T+1, B, z], actions [T, B, A],
  /// dones [T, B], lengths int64 [B]: the steps of each, at most T; what stands behind them does not count. nll is the mean over
  /// the steps that lead on, as nothing is seen after the last; done weighs those that end an episode `end_weight` times, and
  /// total = nll + done (doomrnn.py).
  static constexpr double end_weight = 10;
  Loss episodes_loss(const torch::Tensor& z, const torch::Tensor& actions, const torch::Tensor& dones, const torch::Tensor& lengths);

  /// bf16 operands in the matrix products of loss(), and of step() and draw() for batches of 256 and more.
  void set_bfloat16(bool on);

  LstmState initial(std::int64_t batch) const { return lstm_->initial(batch); }
  const MdnRnnOptions& options() const { return options_; }

 private:
  torch::Tensor head(const torch::Tensor& h, bool bfloat16 = false);  // [..., H] -> float [N, outputs]
  /// Per z dimension K logits, means and log deviations; with joint K means and log deviations, and behind them all K logits.
  std::int64_t mixture_outputs() const { return options_.mixtures * (options_.joint ? 2 * options_.latent_size + 1 : 3 * options_.latent_size); }
  Output mixtures_of(const torch::Tensor& flat, c10::IntArrayRef shape) const;  // flat [N, mixture_outputs()]; shape: what N stands for
  Output heads_of(const torch::Tensor& flat, c10::IntArrayRef shape) const;  // flat [N, 1 or 2]: the columns behind the mixtures
  torch::Tensor nll_of(const torch::Tensor& mixtures, const torch::Tensor& targets);  // [N, mixture_outputs()], [N, z] -> scalar

  MdnRnnOptions options_;
  bool bfloat16_ = false;
  Lstm lstm_;
  torch::Tensor output_weight_, output_bias_;  // [H, outputs], [outputs]
};
TORCH_MODULE(MdnRnn);

/// -log Σ_k π_k N(value; μ_k, σ_k²), elementwise: value [...], the others [..., K], weights given as normalised logs.
torch::Tensor mixture_nll(const torch::Tensor& value, const torch::Tensor& log_weights, const torch::Tensor& mean,
                          const torch::Tensor& log_deviation);
/// -log p(z) of whole z: the sum over its dimensions, or with joint -log Σ_k π_k Π_d N(z_d; μ_dk, σ_dk²). z [..., z] -> [...].
torch::Tensor latent_nll(const MdnRnnImpl::Output& output, const torch::Tensor& z);

}  // namespace dream
