#pragma once
#include "core/nn/carry.h"

namespace dream {

/// What a model offers besides that brings actions of its own (WorldModel::actions), because it finds them in what it
/// sees.
class FindsActions {
 public:
  virtual ~FindsActions() = default;
  /// Of a carry that observe() has made: which of its own actions led to the frame that it saw last, float [B, A]; for
  /// a carry that has seen one frame alone it means nothing.
  virtual torch::Tensor inferred(const Carry& seen) = 0;
};

}  // namespace dream
