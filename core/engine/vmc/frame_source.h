#pragma once
#include <torch/types.h>

#include "core/data/replay.h"

namespace dream {

/// Batches of a replay's frames, by the frames' numbers. For a graphics card all of them are copied there once, if they
/// fit beside what training needs: a batch is then gathered in the card's own memory. Otherwise each batch is gathered
/// in the processor's and sent.
class FrameSource {
 public:
  /// `resident`: keep the frames on the device.
  FrameSource(torch::Device device, bool resident) : device_(device), wanted_(resident) {}

  /// Copies some more of the frames; false when all that will be copied is there. The replay must not change after
  /// that.
  bool prepare(const Replay& replay);
  void clear();

  /// Where the numbers are best kept that gather() is asked by.
  torch::Device index_device() const { return resident_.defined() ? device_ : torch::Device(torch::kCPU); }
  /// which [N], int64 -> uint8 [N, H, W, C] on the device.
  torch::Tensor gather(const Replay& replay, const torch::Tensor& which) const;
  /// `count` frames from `first` on, which must be of one episode when they are not resident.
  torch::Tensor slice(const Replay& replay, std::int64_t first, std::int64_t count) const;
  /// How many frames from `first` on slice() may be asked for at once, at most `wanted`.
  std::int64_t run(const Replay& replay, std::int64_t first, std::int64_t wanted) const;

 private:
  torch::Device device_;
  bool wanted_, refused_ = false;
  torch::Tensor resident_;  // uint8 [frames, H, W, C]
  std::size_t episode_ = 0;
  std::int64_t copied_ = 0;
};

}  // namespace dream
