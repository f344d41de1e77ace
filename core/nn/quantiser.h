#pragma once
#include "core/base/choice.h"
#include "core/nn/torch.h"

namespace dream {

/// vq: the nearest of learned vectors (van den Oord et al. 2017), all of length 1 (Yu et al. 2022), as jafar has them.
/// fsq: every number rounded to one of a few levels (Mentzer et al. 2023, appendix A.1): nothing is learned, and
/// nothing collapses.
enum class Quantisation { vq, fsq };
constexpr auto choice_names(Quantisation) {
  return names_of_choice("vq", "fsq");
}

struct QuantiserOptions {
  Quantisation kind = Quantisation::fsq;
  std::int64_t codes = 256, width = 32;  // vq: how many, and numbers of one
  std::int64_t levels = 4, numbers = 4;  // fsq: levels^numbers codes
  double commitment = 0.25;              // vq: weight of the pull on the encoder; that on the codes has weight 1
};

struct Quantised {
  torch::Tensor value;   // [..., width]: the code, with the gradient of what went in
  torch::Tensor index;   // int64 [...]
  torch::Tensor soft;    // [..., width]: what went in, of a code's length or within its bounds, before it was rounded
  torch::Tensor loss;    // scalar: the pulls of codes and encoder towards each other; 0 of fsq
  torch::Tensor likely;  // vq: softmax of 10 × the cosines, [..., codes], with gradient
};

class QuantiserImpl : public torch::nn::Module {
 public:
  explicit QuantiserImpl(const QuantiserOptions& options);
  std::int64_t codes() const;
  std::int64_t width() const;  // of what goes in and of what comes out
  Quantised forward(const torch::Tensor& x);
  /// int64 [...] -> [..., width].
  torch::Tensor lookup(const torch::Tensor& index) const;
  /// vq, after a forward() of a batch, without gradient: a code that no row was nearest to in `patience` batches
  /// becomes the row of the batch's x [N, width] that is farthest from all codes. Returns how many did.
  std::int64_t revive(const torch::Tensor& x, const torch::Tensor& index, std::int64_t patience);
  /// vq, without gradient: all codes become rows of x [N, width], each the farthest from those before.
  void spread(const torch::Tensor& x);

 private:
  void place(const torch::Tensor& rows, torch::Tensor nearest, const torch::Tensor& codes);
  Quantised nearest(const torch::Tensor& x) const;
  Quantised rounded(const torch::Tensor& x) const;
  QuantiserOptions options_;
  torch::Tensor codebook_, idle_;  // vq: [codes, width]; batches since each was used, int64 [codes]
};
TORCH_MODULE(Quantiser);

/// exp of the entropy of how often each of `codes` is among `index`: as many as are used, if evenly.
double perplexity(const torch::Tensor& index, std::int64_t codes);

}  // namespace dream
