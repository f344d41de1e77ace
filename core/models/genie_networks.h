#pragma once
#include <ATen/core/Generator.h>

#include <vector>

#include "core/base/choice.h"
#include "core/nn/dense.h"
#include "core/nn/quantiser.h"
#include "core/nn/space_time.h"
#include "core/nn/torch.h"

namespace dream {

/// What the three networks of Genie share: pieces of `frames` pictures, `channels` x `height` x `width`, values in [0,
/// 1].
struct GenieShape {
  std::int64_t frames = 8, channels = 3, height = 64, width = 64;
};

/// Patches of a frame. Throws dream::Error where they do not cover it.
std::int64_t genie_places(const GenieShape& shape, std::int64_t patch);

struct GenieTokenizerOptions {
  std::int64_t patch = 8, width = 64, layers = 2, heads = 2;
  QuantiserOptions codes{.kind = Quantisation::fsq};
};

/// Genie's video tokenizer (section 2.1, ST-ViViT): patches through a space-time transformer, each made one of so many
/// codes, and back. Both ways a frame depends on itself and on those before it. The error of pixels is all that it
/// learns by.
class GenieTokenizerImpl : public torch::nn::Module {
 public:
  GenieTokenizerImpl(const GenieTokenizerOptions& options, const GenieShape& shape);
  struct Loss {
    torch::Tensor total, pixels;  // mean squared error of pixels with the quantiser's; without
    torch::Tensor index;          // int64 [B, T, S]
    torch::Tensor rebuilt;        // [B, T, C, H, W]
    torch::Tensor encoded;        // [B, T, S, width]: what was quantised
  };
  /// Of pictures [B, T, C, H, W].
  Loss loss(const torch::Tensor& pictures);
  torch::Tensor tokens(const torch::Tensor& pictures);  // int64 [B, T, S]
  torch::Tensor pictures(const torch::Tensor& tokens);  // [B, T, C, H, W], clamped to [0, 1]
  torch::Tensor values(const torch::Tensor& tokens) const { return quantiser_->lookup(tokens); }  // [..., S, width]
  std::int64_t codes() const { return quantiser_->codes(); }
  std::int64_t code_width() const { return quantiser_->width(); }
  std::int64_t places() const;  // tokens of a frame
  std::int64_t rows() const { return shape_.height / options_.patch; }
  Quantiser& quantiser() { return quantiser_; }

 private:
  torch::Tensor encode(const torch::Tensor& pictures);
  torch::Tensor decode(const torch::Tensor& values);
  GenieTokenizerOptions options_;
  GenieShape shape_;
  Linear in_{nullptr}, to_code_{nullptr}, from_code_{nullptr}, out_{nullptr};
  SpaceTime encoder_{nullptr}, decoder_{nullptr};
  Quantiser quantiser_{nullptr};
};
TORCH_MODULE(GenieTokenizer);

struct LatentActionOptions {
  std::int64_t patch = 16, width = 64, layers = 2, heads = 2;
  QuantiserOptions codes{.kind = Quantisation::vq, .codes = 6, .width = 32};
  double balance = 0.02;       // weight of −H(E p): all codes in use, at every frame of a piece
  std::int64_t unrounded = 300;  // updates before anything is rounded
  std::int64_t patience = 50;  // batches after which a code that nobody used is put where somebody is
};

/// Genie's latent action model (section 2.1): one of a few codes for what happened between a frame and the next, so that
/// the next is best told from the past and the code. What keeps the codes from becoming one, or from saying what has
/// nothing to do with what happens:
/// - The decoder paints a change of the last frame, and its error is a share of that of the last frame painted again:
///   what copies has learned nothing. The encoder's frame comes with its difference from the one before, and what it
///   finds at a patch counts by how much that changed.
/// - What is quantised is standardised over the batch, for every frame of a piece by itself, where public code holds its
///   variance within a band by a penalty. Without "by itself" the codes became the frames' numbers.
/// - At first nothing is rounded; then the codes are put as far apart as what was found lies. Idle ones are put there
///   again later (jafar takes any row). That all are in use is a small loss besides (kkaadd33/tinyworlds-large's also
///   asks for sure ones, by which they were sure before anything was learned).
class LatentActionsImpl : public torch::nn::Module {
 public:
  LatentActionsImpl(const LatentActionOptions& options, const GenieShape& shape);
  struct Loss {
    torch::Tensor total;
    torch::Tensor pixels;   // squared error of what is painted, as a share of that of the last frame painted again
    torch::Tensor balance;  // −H(E p), between −ln K and 0
    torch::Tensor index;    // int64 [B, T − 1]
    torch::Tensor encoded;  // [B, T − 1, width]: what was quantised
  };
  /// Of pictures [B, T, C, H, W]. Not `rounded`: the decoder is told what is quantised, and not its code.
  Loss loss(const torch::Tensor& pictures, bool rounded = true);
  /// int64 [B, T − 1]: what happened after each frame but the last.
  torch::Tensor codes_of(const torch::Tensor& pictures);
  /// [B, T − 1, C, H, W]: the frames after each of pictures [B, T − 1, C, H, W], if these codes happen; clamped to [0,
  /// 1].
  torch::Tensor painted(const torch::Tensor& pictures, const torch::Tensor& codes);
  torch::Tensor values(const torch::Tensor& codes) const { return quantiser_->lookup(codes); }
  std::int64_t codes() const { return quantiser_->codes(); }
  std::int64_t code_width() const { return quantiser_->width(); }
  Quantiser& quantiser() { return quantiser_; }
  void set_balance(double weight) { options_.balance = weight; }  // it may change while this learns

 private:
  torch::Tensor encode(const torch::Tensor& pictures);
  torch::Tensor decode(const torch::Tensor& pictures, const torch::Tensor& values);
  LatentActionOptions options_;
  GenieShape shape_;
  Linear in_{nullptr}, to_code_{nullptr}, past_{nullptr}, action_{nullptr}, out_{nullptr};
  SpaceTime encoder_{nullptr}, decoder_{nullptr};
  torch::Tensor mean_, variance_;  // of what is quantised, [T − 1, width]: running, for pictures one by one
  Quantiser quantiser_{nullptr};
};
TORCH_MODULE(LatentActions);

/// How a latent action reaches the frame that it leads to: added to all of its tokens (Genie), or as a token before
/// them (jasmine).
enum class ActionPlace { added, prepended };
constexpr auto choice_names(ActionPlace) {
  return names_of_choice("added", "prepended");
}

struct MaskGitOptions {
  std::int64_t width = 128, layers = 4, heads = 4;
  ActionPlace action = ActionPlace::added;
};

/// Of `tokens` tokens those that are still hidden after step `step` of `steps` (Chang et al. 2022, the cosine
/// schedule).
std::int64_t mask_git_hidden(std::int64_t tokens, std::int64_t step, std::int64_t steps);

/// Genie's dynamics (section 2.1): a space-time transformer that tells hidden tokens of frames from the others and from
/// the action that led to each frame. It learns with a share U(0.5, 1) of the tokens of all frames but the first
/// hidden.
class MaskGitImpl : public torch::nn::Module {
 public:
  /// `places` tokens of a frame, each one of `codes`; actions are vectors of `action_width` numbers.
  MaskGitImpl(const MaskGitOptions& options, std::int64_t frames, std::int64_t places, std::int64_t codes,
              std::int64_t action_width);
  struct Loss {
    torch::Tensor total;    // cross-entropy of the hidden tokens, nats
    torch::Tensor correct;  // share of them of which the likeliest is right
  };
  /// tokens int64 [B, T, S]; actions [B, T − 1, action_width], which led to all frames but the first.
  Loss loss(const torch::Tensor& tokens, const torch::Tensor& actions, at::Generator rng);
  /// logits [B, T, S, codes]; a token `codes` is hidden.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& actions);

  /// Frames that are there, for next().
  SpaceTimeImpl::Past past(const torch::Tensor& tokens, const torch::Tensor& actions);
  /// logits [B, S, codes] of a frame after `at` [B] frames of the past, with tokens [B, S] and the action [B,
  /// action_width] that leads to it.
  torch::Tensor next(const torch::Tensor& tokens, const torch::Tensor& action, const SpaceTimeImpl::Past& past,
                     const torch::Tensor& at);
  struct Frame {
    torch::Tensor tokens;      // int64 [B, S]
    torch::Tensor confidence;  // [B, S]: the probability of each when it was chosen
    torch::Tensor step;        // int64 [B, S]: the step, from 1, after which it stayed
  };
  /// A whole frame in `steps` steps: all hidden tokens are drawn at `temperature`, the surest stay, as many as the
  /// schedule says.
  Frame sample(const torch::Tensor& action, const SpaceTimeImpl::Past& past, const torch::Tensor& at,
               std::int64_t steps, double temperature, at::Generator rng);

 private:
  torch::Tensor embedded(const torch::Tensor& tokens, const torch::Tensor& actions);
  torch::Tensor logits_of(const torch::Tensor& x);
  MaskGitOptions options_;
  std::int64_t places_, codes_;
  torch::Tensor token_;  // [codes + 1, D]; the last stands for a hidden one
  Linear action_{nullptr}, out_{nullptr};
  SpaceTime network_{nullptr};
};
TORCH_MODULE(MaskGit);

}  // namespace dream
