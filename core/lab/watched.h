#pragma once
#include <functional>
#include <vector>

#include "core/lab/held_out.h"
#include "core/models/rollout.h"

namespace dream {

/// Held-out episodes from their first frame to their last, a lane each. Of a shorter one the last frame stands still
/// until the longest has ended.
struct Whole {
  SequenceBatch batch;
  std::size_t first = 0;             // the episode of lane 0
  std::vector<std::int64_t> frames;  // of each lane that are real
  bool real(std::int64_t lane, std::int64_t t) const { return t < frames[static_cast<std::size_t>(lane)]; }
  Stretches::From at(std::int64_t lane, std::int64_t t) const { return {first + static_cast<std::size_t>(lane), t}; }
};
Whole whole(const std::vector<LivedEpisode>& episodes, std::size_t first, std::size_t count,
            const torch::Device& device);

/// A carry of every lane, and the frame that it has seen last.
struct Watched {
  std::int64_t t = 0;
  Carry carry;
};
/// Where an imagined lane of imagine_from began.
struct Began {
  std::int64_t lane = 0, t = 0;
};
/// Imagines `horizon` steps under the true actions from all of `starts`, several at once. `each` hears of every step
/// 1 … horizon of every part.
void imagine_from(WorldModel& model, const Whole& episodes, const std::vector<Watched>& starts, std::int64_t horizon,
                  at::Generator rng,
                  const std::function<void(std::int64_t k, const Carry& carry, const std::vector<Began>& lanes)>& each);

/// The two halves of what a behaviour sees; undefined where a model has no such half.
struct StateParts {
  torch::Tensor latent;  // [B, L], as it was drawn
  torch::Tensor memory;  // [B, M]: the features that are not the latent
};
StateParts parts_of(WorldModel& model, const Carry& carry);

/// The columns of rows [N, K] that vary, at most `most` of them: those of the greatest variance, in their order.
std::vector<std::int64_t> most_varying(const torch::Tensor& rows, std::int64_t most);

/// As float32 on the CPU.
torch::Tensor cpu_floats(const torch::Tensor& x);
/// Rows of several tensors, one below another, as float32 on the CPU.
torch::Tensor stacked_rows(const std::vector<torch::Tensor>& rows);

}  // namespace dream
