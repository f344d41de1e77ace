#pragma once
#include <vector>

#include "core/nn/dense.h"
#include "core/nn/torch.h"

namespace dream {

struct IrisTokenizerOptions {
  std::int64_t channels = 64, levels = 5, blocks = 2;  // each level has half the side of the one before
  std::int64_t attention = 16;        // the largest side at which places look at one another; the smallest is 8
  std::int64_t codes = 512, width = 512;
  double commitment = 1;  // β: the encoder's pull towards the codes; theirs has weight 1
  double detail = 1;      // weight of the error of differences between neighbouring pixels, which stands where the paper has LPIPS
  /// > 0: not |x − x̂| is learned but its square, and a pixel counts up to 1 + 2 · focus times as much by how far it is from the batch's
  /// mean picture: else a ball of nine pixels is worth no code for long (ours; published: 0).
  double focus = 0;
  double first_codes = 0;  // deviation of the codes at the beginning; 0: uniform within ± 1 / codes, as published
  bool revive = false;    // a code that nobody uses is put where somebody is
};

struct IrisNormImpl : torch::nn::Module {
  explicit IrisNormImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x, bool silu = false);
  torch::Tensor weight, bias;  // [C]
};
TORCH_MODULE(IrisNorm);

/// x + conv(silu(norm(conv(silu(norm(x)))))).
struct IrisBlockImpl : torch::nn::Module {
  explicit IrisBlockImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);
  IrisNorm norm1{nullptr}, norm2{nullptr};
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
};
TORCH_MODULE(IrisBlock);

/// x + what places see in one another, by one head.
struct IrisLookImpl : torch::nn::Module {
  explicit IrisLookImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);
  IrisNorm norm{nullptr};
  torch::nn::Conv2d query_key_value{nullptr}, seen{nullptr};
};
TORCH_MODULE(IrisLook);

/// The encoder, [N, from, H, W] -> [N, to, H / 2^(levels − 1), …], or the decoder, the other way, which has a block more at each level.
class IrisCoderImpl : public torch::nn::Module {
 public:
  IrisCoderImpl(const IrisTokenizerOptions& options, std::int64_t side, bool decodes, std::int64_t from, std::int64_t to);
  torch::Tensor forward(torch::Tensor x);

 private:
  struct Level {
    std::vector<IrisBlock> blocks;
    std::vector<IrisLook> looks;             // after each block, where the level has any
    torch::nn::Conv2d resized{nullptr};      // to the next level; null in the last
  };
  torch::Tensor through(Level& level, torch::Tensor x);
  torch::Tensor middle(torch::Tensor x) { return middle_[1](look_(middle_[0](x))); }
  bool decodes_;
  torch::nn::Conv2d in_{nullptr}, out_{nullptr};
  std::vector<Level> levels_;  // in the order in which they are gone through
  std::vector<IrisBlock> middle_;
  IrisLook look_{nullptr};
  IrisNorm norm_{nullptr};
};
TORCH_MODULE(IrisCoder);

/// IRIS's tokenizer (Micheli et al. 2023, section 2.1 and appendix A.1; eloialonso/iris, tokenizer.py): a VQ-VAE that makes a picture
/// some codes, 16 of 512, and back. Pictures are [N, C, H, W] in [0, 1], square.
class IrisTokenizerImpl : public torch::nn::Module {
 public:
  /// Throws dream::Error for pictures that are not square, or that do not halve so many times.
  IrisTokenizerImpl(const IrisTokenizerOptions& options, at::IntArrayRef picture);

  struct Encoded {
    torch::Tensor z, quantised;  // [N, width, h, w], of which the second has no gradient of the encoder
    torch::Tensor codes;         // int64 [N, places]
  };
  Encoded encode(const torch::Tensor& pictures);
  torch::Tensor tokens(const torch::Tensor& pictures) { return encode(pictures).codes; }  // int64 [N, places]
  torch::Tensor pictures(const torch::Tensor& tokens);  // int64 [N, places] -> [N, C, H, W] in [0, 1]
  torch::Tensor decode(const torch::Tensor& z);         // [N, width, h, w] -> [N, C, H, W] in [−1, 1], not held to it

  struct Loss {
    torch::Tensor total;
    torch::Tensor codebook;        // mean |sg(z) − q|² + β mean |z − sg(q)|²
    torch::Tensor reconstruction;  // mean |x − x̂| of pictures in [−1, 1]; with a focus the weighed mean of 4 (x − x̂)²
    torch::Tensor detail;          // mean |∂x − ∂x̂|, of differences to the neighbours below and to the right
    torch::Tensor codes;           // int64 [N, places]
    torch::Tensor encoded;         // [N · places, width]: what was quantised, without gradient
  };
  Loss loss(const torch::Tensor& pictures);
  /// After a step with this loss: which codes are in use, and with `revive` one that is not becomes what was encoded farthest from all
  /// codes, one after the other, as long as something is far from all of them. Returns how many did.
  std::int64_t note_use(const Loss& loss);

  const torch::Tensor& use() const { return use_; }  // float [codes]: running share of places
  torch::Tensor values(const torch::Tensor& tokens) const { return codebook_.index({tokens}); }  // [..., width]
  void set_bfloat16(bool on) { bfloat16_ = on; }
  std::int64_t codes() const { return options_.codes; }
  std::int64_t side() const { return side_; }  // of the grid of tokens
  std::int64_t places() const { return side_ * side_; }

 private:
  IrisTokenizerOptions options_;
  std::int64_t side_;
  bool bfloat16_ = false;
  IrisCoder encoder_{nullptr}, decoder_{nullptr};
  torch::nn::Conv2d before_{nullptr}, after_{nullptr};  // the codes
  torch::Tensor codebook_, use_;                        // [codes, width]; [codes]
};
TORCH_MODULE(IrisTokenizer);

}  // namespace dream
