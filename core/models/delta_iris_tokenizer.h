#pragma once
#include "core/nn/frame_coder.h"
#include "core/nn/torch.h"

namespace dream {

struct DeltaIrisTokenizerOptions {
  std::int64_t channels = 64;         // of encoder and decoder
  std::int64_t frame_channels = 32;   // of the coder by which the decoder sees the frame before
  FrameLevels levels = FrameLevels::five;
  std::int64_t latent = 64, seen = 16, acted = 4;  // numbers of a cell: of what changed, of the frame before, of the action
  std::int64_t tokens = 4, codes = 1024, width = 64;
  double commitment = 0.02;           // weight of the encoder's pull towards the codes
  double amount = 0.1, worst = 0.01;  // weights of the L1 error and of the worst pixel's, beside the L2 error's 1
  std::int64_t revive_until = 400;    // updates in which codes that nobody uses are put where somebody is
};

/// Δ-IRIS's tokenizer (Micheli et al. 2024, section 3.1; vmicheli/delta-iris, tokenizer.py and quantizer.py): the encoder sees a frame,
/// the action taken in it and the frame after, and says in a few codes what changed that neither tells; the decoder makes the frame
/// after from the other two and these Δ-tokens. Codes have length 1, and are means of what was encoded by them, not learned by gradient.
/// Frames are [N, C, H, W] in [0, 1], square; actions [N, A], a choice as a one-hot, times planes of their own.
class DeltaIrisTokenizerImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error for pictures that are not square or do not halve three times, and for tokens that do not part what is left.
  DeltaIrisTokenizerImpl(const DeltaIrisTokenizerOptions& options, at::IntArrayRef picture, std::int64_t actions);

  struct Encoded {
    torch::Tensor z;      // [N, K, width], of length 1
    torch::Tensor codes;  // int64 [N, K]: those of the largest cosine
  };
  Encoded encode(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& next);
  torch::Tensor tokens(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& next) {
    return encode(frame, action, next).codes;
  }
  torch::Tensor values(const torch::Tensor& codes) const { return codebook_.index({codes}); }  // [..., width]
  /// From values [N, K, width], not held to [0, 1].
  torch::Tensor decode(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& values);
  /// The frame after [N, C, H, W], of 256 levels in [0, 1].
  torch::Tensor frames(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& codes);

  struct Loss {
    torch::Tensor total;
    torch::Tensor amount, square, worst;  // mean |x − x̂|, mean (x − x̂)², mean over frames of the largest (x − x̂)²
    torch::Tensor commitment;             // mean (z − sg(q))²
    torch::Tensor codes;                  // int64 [N, K]
    torch::Tensor encoded;                // z [N · K, width] without gradient
  };
  Loss loss(const torch::Tensor& frame, const torch::Tensor& action, const torch::Tensor& next);
  /// The codebook after a batch with this loss: a code moves 1 % towards the mean of what it stood for. Where few are in use, the
  /// others become something encoded, chosen by chance, within the first `revive_until` calls or while hardly one is. Returns how many.
  std::int64_t learn_codes(const Loss& loss, at::Generator rng);

  const torch::Tensor& use() const { return use_; }  // float [codes]: running share of tokens
  double entropy() const;                            // of it, bits
  std::vector<torch::Tensor> decayed() const;        // the weights of its linear layers
  void set_bfloat16(bool on) { bfloat16_ = on; }
  std::int64_t codes() const { return options_.codes; }
  std::int64_t grid() const { return grid_; }  // tokens in a row
  std::int64_t places() const { return options_.tokens; }

 private:
  /// [N, latent, side, side] -> [N, K, ...], a row of each token's cells; and back.
  torch::Tensor parted(const torch::Tensor& cells) const;
  torch::Tensor joined(const torch::Tensor& rows) const;
  DeltaIrisTokenizerOptions options_;
  std::int64_t picture_side_, side_, grid_;  // of a picture, of cells, of tokens
  bool bfloat16_ = false;
  torch::Tensor encoder_actions_, decoder_actions_;  // [A, H · W], [A, acted · side²]
  FrameCoder encoder_{nullptr}, decoder_{nullptr}, frame_coder_{nullptr};
  torch::nn::Linear before_{nullptr}, after_{nullptr};  // the codes
  torch::Tensor codebook_, use_, updates_;              // [codes, width], [codes], int64 []
};
TORCH_MODULE(DeltaIrisTokenizer);

}  // namespace dream
