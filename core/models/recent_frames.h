#pragma once
#include "core/nn/carry.h"

namespace dream {

/// A model whose state holds the last frames themselves, so that who looks at frames alone, and remembers by itself, can catch up.
class RecentFrames {
 public:
  struct Frames {
    torch::Tensor frame;  // float [K, B, C, H, W] in [0, 1], the present one last
    torch::Tensor there;  // float [K, B]: 0 where the episode had not begun yet
  };
  virtual ~RecentFrames() = default;
  virtual Frames recent_frames(const Carry& carry) = 0;
};

}  // namespace dream
