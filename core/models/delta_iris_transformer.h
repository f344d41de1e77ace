#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/base/choice.h"
#include "core/models/iris_head.h"
#include "core/nn/dense.h"
#include "core/nn/frame_coder.h"
#include "core/nn/token_steps.h"
#include "core/nn/torch.h"
#include "core/nn/transformer.h"
#include "core/nn/two_hot.h"

namespace dream {

/// What is learned of a reward: its sign, as a class (Atari), or the number, as two-hot bins over its symlog (Crafter).
enum class DeltaReward { sign, number };
constexpr auto choice_names(DeltaReward) {
  return names_of_choice("sign", "number");
}

struct DeltaIrisTransformerOptions {
  std::int64_t width = 256, layers = 3, heads = 4;
  std::int64_t frames = 26;            // that it looks back at, the present one among them
  std::int64_t frame_channels = 32;    // of the coder by which it sees a frame
  FrameLevels levels = FrameLevels::five;
  double dropout = 0;
  DeltaReward reward = DeltaReward::sign;
  double codes_weight = 0.1, reward_weight = 1, end_weight = 0.1;  // in the loss
};

/// Δ-IRIS's world model (Micheli et al. 2024, section 3.2; vmicheli/delta-iris, world_model.py): a GPT over blocks of a frame, embedded
/// as a picture; the action taken in it; and the K Δ-tokens of the frame after. After an action it tells reward and end, and, one
/// after the other, the Δ-tokens. Actions are numbers [.., A], a choice as a one-hot, times an embedding of A rows.
class DeltaIrisTransformerImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error where the cells of a coded picture do not divide the width.
  DeltaIrisTransformerImpl(const DeltaIrisTransformerOptions& options, at::IntArrayRef picture, std::int64_t places, std::int64_t codes,
                           std::int64_t actions);

  // -- whole sequences, to learn from -----------------------------------------------------------------------------------

  struct Logits {
    torch::Tensor codes;   // [B, T, K, codes]
    torch::Tensor reward;  // [B, T, 3 or bins]
    torch::Tensor end;     // [B, T, 2]
  };
  /// Of frames [B, T, C, H, W], the actions [B, T, A] taken in them, and what followed, codes int64 [B, T, K].
  Logits forward(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& codes, std::optional<at::Generator> chance = {});
  struct Loss {
    torch::Tensor total;               // by the weights
    torch::Tensor codes, reward, end;  // cross-entropies, nats
  };
  /// With reward and end [B, T] of the actions; `follows` [B, T] says after which frames Δ-tokens are to be told, `acts` [B, T] which
  /// actions count, 1 or 0. `chance` drops out, as in learning.
  Loss loss(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& codes, const torch::Tensor& reward,
            const torch::Tensor& end, const torch::Tensor& follows, const torch::Tensor& acts, std::optional<at::Generator> chance = {});

  // -- token by token, to dream -----------------------------------------------------------------------------------------

  /// What it remembers of the last frames. A page is what led to a frame, its action and Δ-tokens, and the frame; the newest is the
  /// present frame's. count: how many frames there are, 0 before the first.
  using Memory = TokenPages;
  Memory nothing(std::int64_t batch) const;
  std::vector<std::int64_t> page_shape(std::int64_t batch) const { return steps_.page_shape(batch, places_ + 2); }

  struct Next {
    Memory memory;
    torch::Tensor codes;        // int64 [B, K]
    torch::Tensor frame;        // [B, C, H, W]
    torch::Tensor expected;     // [B, K, codes]: log p of each Δ-token, given those before it
    torch::Tensor reward, end;  // logits [B, 3 or bins]; log p [B, 2]: of the action that led there
    torch::Tensor state;        // [B, width]: what the frame became
    torch::Tensor emptied;      // bool [B]: there was no room for the frame, and all before it was forgotten
  };
  /// A frame was seen after this action [B, A], with these Δ-tokens. Of a first frame nothing was expected.
  Next see(const Memory& memory, const torch::Tensor& action, const torch::Tensor& codes, const torch::Tensor& frame);
  /// The frame that Δ-tokens int64 [B, K] make of the present one.
  using Painter = std::function<torch::Tensor(const torch::Tensor& codes)>;
  /// Δ-tokens are drawn, one by one: each at `temperature`, by `chance` [B, K] in [0, 1); then the frame is painted.
  Next draw(const Memory& memory, const torch::Tensor& action, double temperature, const torch::Tensor& chance, const Painter& painter);
  /// The Δ-tokens that led to the present frame drawn anew, the first by its log p in `expected` [B, K, codes]; all of them so where
  /// what led there is forgotten.
  Next draw_again(const Memory& memory, const torch::Tensor& expected, double temperature, const torch::Tensor& chance, const Painter& painter);
  /// The present frame, and the Δ-tokens that led there, are these instead.
  Next exchanged(const Memory& memory, const torch::Tensor& codes, const torch::Tensor& frame);

  /// Of its logits: the reward's mean [B], of signs or of numbers.
  torch::Tensor mean_reward(const torch::Tensor& logits) const;
  void set_bfloat16(bool on) { bfloat16_ = on, steps_.set_bfloat16(on); }
  const DeltaIrisTransformerOptions& options() const { return options_; }
  std::int64_t frames() const { return options_.frames; }
  std::int64_t width() const { return options_.width; }
  std::int64_t reward_size() const;            // of its logits
  std::vector<torch::Tensor> decayed() const;  // the weights of its linear layers

 private:
  torch::Tensor embedded(const torch::Tensor& frames);  // [N, C, H, W] -> [N, width]
  /// Tokens [B, R, D] of a page that is being filled, from `slot` on, after the frames of `past`; with their positions.
  torch::Tensor step(const Memory& past, torch::Tensor& page, const torch::Tensor& tokens, std::int64_t slot);
  /// Without the newest page.
  Memory before(const Memory& memory) const;
  /// The page gets Δ-tokens, the first drawn by `logits` [B, codes], and the frame that they make; `expected`, where defined, is what the
  /// others are drawn by in lanes that have nothing before the page.
  void fill(const Memory& past, torch::Tensor page, Next& next, torch::Tensor logits, const torch::Tensor& expected, double temperature,
            const torch::Tensor& chance, const Painter& painter);
  /// A page that is full, with its frame as a token [B, D], becomes the newest.
  void turn(const Memory& past, torch::Tensor page, const torch::Tensor& frame, Next& next);

  DeltaIrisTransformerOptions options_;
  std::int64_t places_, slots_;  // Δ-tokens, tokens of a page
  torch::Tensor of_code_, of_action_, of_position_;  // [codes, D], [A, D], [frames · (K + 2), D]
  FrameCoder frame_coder_{nullptr};
  NormLayer frame_norm_{nullptr};
  Transformer stack_{nullptr};
  IrisHead codes_, reward_, end_;
  TwoHot bins_;
  TokenSteps steps_;
  bool bfloat16_ = false;
};
TORCH_MODULE(DeltaIrisTransformer);

}  // namespace dream
