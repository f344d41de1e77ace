#pragma once
#include "core/models/shortcut.h"
#include "core/nn/block_causal.h"

namespace dream {

struct Dreamer4DynamicsOptions {
  std::int64_t pack = 2, registers = 2;  // latents that make one spatial token; learned tokens that hold nothing yet
  std::int64_t finest = 8;               // steps of the finest grid, a power of two
  BlockCausalOptions net{.width = 128, .layers = 4, .heads = 4, .time_every = 2, .hidden = 2};
};

/// Dreamer 4's dynamics (Hafner et al. 2025, section 3.2): a block-causal transformer over [action, (τ, d), spatial,
/// register, agent] tokens of every frame, which tells the frame's latents clean (x-prediction). The action token is the
/// one that led to the frame. The agent token sees all of its frame and its own past, and nobody sees it: what a policy
/// reads there cannot change the dream. With it left out, all else comes out the same.
class Dreamer4DynamicsImpl : public torch::nn::Module {
 public:
  using Cache = BlockCausalImpl::Cache;
  using Past = BlockCausalImpl::Past;
  /// `latents` of `numbers` numbers a frame; actions are vectors of `action_width`. Throws dream::Error where they do not
  /// pack evenly.
  Dreamer4DynamicsImpl(const Dreamer4DynamicsOptions& options, std::int64_t latents, std::int64_t numbers, std::int64_t action_width);

  /// What frames are told of themselves; [B, T, …], or of one frame [B, …].
  struct Given {
    torch::Tensor action;  // [..., action_width], that led there
    torch::Tensor told;    // bool [...]: whether any did
    torch::Tensor level, step;  // int64 [...], see shortcut.h
  };
  struct Out {
    torch::Tensor clean;  // [..., S, N]: ẑ
    torch::Tensor agent;  // [..., D]; undefined where it was left out
  };
  /// Frames [B, T, S, N] with noise. Frames of other `episodes` [B, T] are not looked at.
  Out forward(const torch::Tensor& noisy, const Given& given, const torch::Tensor& episodes = {}, bool agent = true,
              Cache* kept = nullptr);
  /// One more, [B, S, N].
  Out next(const torch::Tensor& noisy, const Given& given, const Past& past, bool agent, Cache* kept = nullptr,
           torch::Tensor* weights = nullptr);

  /// A dream, frame by frame, as far as it goes on.
  struct State {
    torch::Tensor latent;  // [B, S, N], clean
    torch::Tensor agent;   // [B, D]
    torch::Tensor at;      // int64 [B]: frames that are there, at most the window
    Cache cache;           // of the window's frames, the newest among them
  };
  State initial(std::int64_t batch) const;
  struct Wish {
    std::int64_t steps = 4;    // K, a power of two and no more than `finest`
    double temperature = 1;    // of the noise that a frame begins with
    double distrust = 0.1;     // noise that a frame has when it is looked back at
  };
  /// The frame that `action` [B, action_width] leads to, where `told` bool [B], in K steps from noise; `film`, where given,
  /// gets what it was taken for after each, [B, K, S, N].
  State imagine(const State& before, const torch::Tensor& action, const torch::Tensor& told, const Wish& wish, at::Generator rng,
                torch::Tensor* film = nullptr, torch::Tensor* weights = nullptr);
  /// The same with a frame that is known: it is remembered with noise of `distrust`, and told the nearest level that it has
  /// learned with.
  State remember(const State& before, const torch::Tensor& latent, const torch::Tensor& action, const torch::Tensor& told,
                 double distrust, at::Generator rng, torch::Tensor* weights = nullptr);
  /// Frames that are known, as they are looked back at: clean [B, T, S, N], with noise of `distrust`.
  Out shown(const torch::Tensor& clean, const torch::Tensor& action, const torch::Tensor& told, const torch::Tensor& episodes,
            double distrust, at::Generator rng, Cache* kept = nullptr);
  /// The state after them, from which a dream goes on.
  State watched(const torch::Tensor& clean, const torch::Tensor& action, const torch::Tensor& told, const torch::Tensor& episodes,
                double distrust, at::Generator rng);
  /// The level that frames are told when they are looked back at, τ · finest.
  std::int64_t context_level(double distrust) const;

  torch::Tensor packed(const torch::Tensor& latents) const;    // [..., L, N / pack] -> [..., S, N]
  torch::Tensor unpacked(const torch::Tensor& tokens) const;   // and back
  torch::Tensor action_tokens(const torch::Tensor& action, const torch::Tensor& told);  // [..., 1, D]
  BlockCausal& net() { return net_; }
  std::int64_t places() const { return places_; }
  std::int64_t numbers() const { return numbers_; }
  std::int64_t width() const { return options_.net.width; }
  std::int64_t finest() const { return options_.finest; }
  std::int64_t context() const { return options_.net.context; }
  /// Names of a frame's tokens, in their order.
  std::vector<std::string> token_names() const;

 private:
  torch::Tensor tokens_of(const torch::Tensor& noisy, const Given& given, bool agent);
  Out read(const torch::Tensor& tokens, bool agent);
  Past past_of(const State& before) const;

  Dreamer4DynamicsOptions options_;
  std::int64_t places_, numbers_;
  torch::Tensor untold_, level_, step_, register_, agent_;  // [D], [finest + 1, D], [exponents, D], [R, D], [D]
  Linear in_{nullptr}, action_{nullptr}, out_{nullptr};
  BlockCausal net_{nullptr};
};
TORCH_MODULE(Dreamer4Dynamics);

}  // namespace dream
