#pragma once
#include "core/models/iris_head.h"
#include "core/nn/token_steps.h"
#include "core/nn/torch.h"
#include "core/nn/transformer.h"

namespace dream {

struct IrisTransformerOptions {
  std::int64_t width = 256, layers = 10, heads = 4;
  std::int64_t frames = 20;  // that it looks back at, the present one among them
  double dropout = 0.1;
};

/// IRIS's world model (Micheli et al. 2023, section 2.2; eloialonso/iris, world_model.py): a GPT over the tokens of frames, K each,
/// and one for the action taken in a frame. From what came before it tells each token of the next frame, and after an action the
/// sign of its reward and whether it was the last. Rewards are classes: −1, 0, 1. Actions are numbers [.., A], a choice as a
/// one-hot, times an embedding of A rows, so that a choice has one of its own.
class IrisTransformerImpl : public torch::nn::Module {
 public:
  IrisTransformerImpl(const IrisTransformerOptions& options, std::int64_t places, std::int64_t codes, std::int64_t actions);

  // -- whole sequences, to learn from -----------------------------------------------------------------------------------

  struct Logits {
    torch::Tensor codes;   // [B, T K − 1, codes]: of every token but the first of all
    torch::Tensor reward;  // [B, N, 3], after each of N actions
    torch::Tensor end;     // [B, N, 2]
  };
  /// Of codes int64 [B, T, K] and actions [B, N, A] taken in the frames, N = T or T − 1.
  Logits forward(const torch::Tensor& codes, const torch::Tensor& actions, std::optional<at::Generator> chance = {});
  struct Loss {
    torch::Tensor total, codes, reward, end;  // cross-entropies, nats
  };
  /// With reward and end [B, N] of the actions, of the first `alive` [B, T] frames of each lane, 1 or 0: the others, and the
  /// actions in them, stand for nothing. What comes after the last frame of an episode is not `alive`, and `acts` [B, N] says
  /// which actions count. `chance` drops out, as in learning.
  Loss loss(const torch::Tensor& codes, const torch::Tensor& actions, const torch::Tensor& reward, const torch::Tensor& end,
            const torch::Tensor& alive, const torch::Tensor& acts, std::optional<at::Generator> chance = {});

  // -- token by token, to dream -----------------------------------------------------------------------------------------

  /// What it remembers of the last frames; the newest page is the present frame's.
  struct Memory {
    TokenPages kept;      // `frames` pages; count: how many frames there are, 0 before the first
    torch::Tensor codes;  // int64 [B, K], of the present frame
  };
  Memory nothing(std::int64_t batch) const;
  std::vector<std::int64_t> page_shape(std::int64_t batch) const { return steps_.page_shape(batch, places_ + 1); }

  struct Next {
    Memory memory;
    torch::Tensor expected;     // [B, K, codes]: log p of each token of the new frame, given those before it
    torch::Tensor reward, end;  // log p, [B, 3] and [B, 2], of the action that led there
    torch::Tensor state;        // [B, width]: what the last token became
    torch::Tensor emptied;      // bool [B]: there was no room for another frame, and all but the one before was forgotten
  };
  /// A frame was seen after this action [B, A]. Of a first frame nothing was expected: log p of its first token, reward and end
  /// mean nothing.
  Next see(const Memory& memory, const torch::Tensor& action, const torch::Tensor& codes);
  /// The next frame is drawn, token by token: each at `temperature`, by `chance` [B, K] in [0, 1).
  Next draw(const Memory& memory, const torch::Tensor& action, double temperature, const torch::Tensor& chance);
  /// The present frame drawn anew, its first token by this log p [B, codes].
  Next draw_again(const Memory& memory, const torch::Tensor& first, double temperature, const torch::Tensor& chance);
  /// The present frame has these codes instead.
  Next exchanged(const Memory& memory, const torch::Tensor& codes);

  void set_bfloat16(bool on) { bfloat16_ = on, steps_.set_bfloat16(on); }
  std::int64_t frames() const { return options_.frames; }
  std::int64_t width() const { return options_.width; }
  std::vector<torch::Tensor> decayed() const;  // the weights of its linear layers

 private:
  Memory room(const Memory& memory, torch::Tensor& emptied);
  void fill(Memory& memory, Next& next, torch::Tensor logits, double temperature, const torch::Tensor& chance);
  /// Tokens of the newest page from `slot` on, embedded [B, R, D], with their positions; they go into that page.
  torch::Tensor step(Memory& memory, const torch::Tensor& embedded, std::int64_t slot);

  IrisTransformerOptions options_;
  std::int64_t places_;
  torch::Tensor of_code_, of_action_, of_position_;  // [codes, D], [A, D], [frames · (K + 1), D]
  Transformer stack_{nullptr};
  IrisHead codes_, reward_, end_;
  TokenSteps steps_;
  bool bfloat16_ = false;
};
TORCH_MODULE(IrisTransformer);

}  // namespace dream
