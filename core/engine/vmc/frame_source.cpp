#include "core/engine/vmc/frame_source.h"

#include "core/nn/torch.h"

#include <algorithm>
#include <cstring>

namespace dream {
namespace {

constexpr std::int64_t working_room = std::int64_t{6} << 30;  // bytes that training takes besides the frames
constexpr std::int64_t copied_at_once = 16'000;               // frames, some 200 MB

/// The frames of an episode from `first` on, uint8 [count, H, W, C], where they lie.
torch::Tensor frames_of(const Episode& episode, std::size_t first, std::int64_t count) {
  return torch::from_blob(const_cast<std::uint8_t*>(episode.frames.data()) + first * episode.frame_bytes(),
                          {count, episode.height, episode.width, episode.channels}, torch::kUInt8);
}

}  // namespace

bool FrameSource::prepare(const Replay& replay) {
  if (!wanted_ || refused_) return false;
  if (!resident_.defined()) {
    const auto& first = replay.episode(0);
    try {
      resident_ = torch::empty({replay.frames(), first.height, first.width, first.channels},
                               torch::TensorOptions(torch::kUInt8).device(device_));
      if (!device_.is_cpu()) torch::empty({working_room}, torch::TensorOptions(torch::kUInt8).device(device_));
    } catch (const c10::OutOfMemoryError&) {
      resident_ = torch::Tensor();
      refused_ = true;
      return false;
    }
  }
  for (std::int64_t now = 0; episode_ < replay.episodes() && now < copied_at_once; ++episode_) {
    const auto& episode = replay.episode(episode_);
    const auto count = static_cast<std::int64_t>(episode.length()) + 1;
    resident_.slice(0, copied_, copied_ + count).copy_(frames_of(episode, 0, count));
    copied_ += count;
    now += count;
  }
  return episode_ < replay.episodes();
}

void FrameSource::clear() {
  resident_ = torch::Tensor();
  refused_ = false;
  episode_ = 0;
  copied_ = 0;
}

torch::Tensor FrameSource::gather(const Replay& replay, const torch::Tensor& which) const {
  if (resident_.defined()) return resident_.index_select(0, which.to(device_));
  const auto& first = replay.episode(0);
  auto batch = torch::empty({which.size(0), first.height, first.width, first.channels},
                            torch::TensorOptions(torch::kUInt8).pinned_memory(device_.is_cuda()));
  auto* to = batch.data_ptr<std::uint8_t>();
  const auto numbers = which.to(torch::kCPU);
  const auto* index = numbers.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < numbers.size(0); ++i) {
    const auto place = replay.position(index[i]);
    const auto& episode = replay.episode(place.episode);
    const auto bytes = episode.frame_bytes();
    std::memcpy(to + static_cast<std::size_t>(i) * bytes, episode.frames.data() + place.time * bytes, bytes);
  }
  return batch.to(device_, /*non_blocking=*/true);
}

torch::Tensor FrameSource::slice(const Replay& replay, std::int64_t first, std::int64_t count) const {
  if (resident_.defined()) return resident_.slice(0, first, first + count);
  const auto place = replay.position(first);
  return frames_of(replay.episode(place.episode), place.time, count).to(device_);
}

std::int64_t FrameSource::run(const Replay& replay, std::int64_t first, std::int64_t wanted) const {
  const auto place = replay.position(first);
  const auto frames = replay.episode(place.episode).length() + 1;
  return std::min(wanted,
                  resident_.defined() ? replay.frames() - first : static_cast<std::int64_t>(frames - place.time));
}

}  // namespace dream
