#pragma once
#include <cstdint>
#include <vector>

#include "core/nn/torch.h"

namespace dream {

/// What stands out of its background, and what a model's picture kept of it.
struct SeenObject {
  std::int64_t area = 0;  // pixels
  int colour = 0;         // its mean colour, four levels a channel
  double energy = 0;      // Σ (truth − background)²
  double missed = 0;      // Σ (made − truth)², over the same pixels
  bool found() const { return missed < 0.5 * energy; }
};

/// What a world's pictures look like where nothing is: its median frame, or each pixel's neighbourhood where that comes
/// nearer, as it does in worlds that scroll.
class Background {
 public:
  static constexpr double stands_out = 0.1;  // of a channel's range
  /// `pictures` [N, C, H, W] in [0, 1]: at least one.
  explicit Background(const torch::Tensor& pictures);
  torch::Tensor of(const torch::Tensor& picture) const;  // [C, H, W] -> [C, H, W]
  bool is_local() const { return local_; }

 private:
  torch::Tensor median_;
  bool local_ = false;
};

/// The median of every pixel's neighbourhood of 9 x 9 (less in small pictures), channel by channel: [C, H, W].
torch::Tensor local_median(const torch::Tensor& picture);
/// Pixels that stand out, bool [H, W].
torch::Tensor foreground_of(const torch::Tensor& picture, const torch::Tensor& background);
/// Foreground pixels that touch, corners too, are one object.
std::vector<SeenObject> objects_of(const torch::Tensor& picture, const torch::Tensor& background,
                                   const torch::Tensor& made);

}  // namespace dream
