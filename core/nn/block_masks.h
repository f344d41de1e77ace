#pragma once
#include <vector>

#include "core/base/rng.h"
#include "core/nn/torch.h"

namespace dream {

/// What an encoder sees of a batch of pictures or clips, and what is to be predicted: places of patches in the order of
/// reading, rising, int64.
struct Masks {
  torch::Tensor context;               // [B, K]
  std::vector<torch::Tensor> targets;  // [B, N] each
};

struct BlockSize {
  std::int64_t rows = 0, columns = 0;
};

struct BlockMaskOptions {
  std::int64_t targets = 4;                       // blocks of a picture that are predicted
  double target_least = 0.15, target_most = 0.2;  // share of the picture that one covers
  double aspect_least = 0.75, aspect_most = 1.5;  // its height over its width
  double context_least = 0.85,
         context_most = 1;  // share that the context's square covers, before targets are taken out
  std::int64_t least = 4;   // a block, or a context, has more patches than this
  /// Blocks reach the last row and column. In facebookresearch/ijepa they do not: there a block is smaller than the picture,
  /// and the last place where it could begin is left out.
  bool edges = false;
};

/// I-JEPA's block of `patches` = rows · columns · share patches: share and aspect ratio are both `draw` in [0, 1) of the way
/// between their ends, as one number is drawn for both (facebookresearch/ijepa, src/masks/multiblock.py).
BlockSize block_size(double draw, std::int64_t rows, std::int64_t columns, double least, double most,
                     double aspect_least, double aspect_most, bool edges);

/// Multi-block masks of I-JEPA (Assran et al. 2023, section 3; src/masks/multiblock.py): sizes drawn once for a batch,
/// places for every picture, the context is one block without all targets, and lists are cut to the batch's shortest. Where
/// 20 contexts were too small, one target less is taken out. Throws dream::Error where a target can have no more than
/// `least` patches.
Masks block_masks(const BlockMaskOptions& options, std::int64_t rows, std::int64_t columns, std::int64_t batch,
                  Rng& chance);

struct TubeMaskOptions {
  std::int64_t blocks = 8;
  double share = 0.15;  // of a frame that one covers; it lasts through the whole clip
  double aspect_least = 0.75, aspect_most = 1.5;
};

/// V-JEPA's masks of clips (Bardes et al. 2024, section 3.2; facebookresearch/jepa, src/masks/multiblock3d.py): the union of
/// the blocks, through all time, is one target, and the context is the rest; what leaves no context is drawn anew.
/// Throws dream::Error where that is hopeless.
Masks tube_masks(const TubeMaskOptions& options, std::int64_t frames, std::int64_t rows, std::int64_t columns,
                 std::int64_t batch, Rng& chance);

/// Rows of x [B, N, D] at `places` [B, K]: [B, K, D].
torch::Tensor at_places(const torch::Tensor& x, const torch::Tensor& places);

}  // namespace dream
