#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "api/lab.h"
#include "core/data/episode.h"
#include "core/data/sequence_batch.h"
#include "core/engine/system.h"

namespace dream {

/// An episode that no training has seen: evaluation's seeds, driven by the run's own behaviour (at random where it has
/// none). What the simulator knows beside each frame (Env::diagnostics, of at most 16 numbers) is in `extra`,
/// and what steps cost in a world with costs.
struct LivedEpisode {
  Episode data;
  std::shared_ptr<const std::vector<float>> actions;  // data.actions, for moments
};

/// Who drives held-out episodes; neither: the run that is asked.
struct HeldOutDriver {
  std::shared_ptr<System> run;  // in the same world: what it does with its own eyes is done here, so that runs can be asked of the same episodes
  bool expert = false;          // the world's own, who sees its state
  bool given() const { return run || expert; }
};

/// A run's held-out episodes, as many as have been asked for yet. Always the same: they are driven in groups, each of
/// which has its own random stream.
class HeldOut {
 public:
  static constexpr std::int64_t group = 4;
  static constexpr std::int64_t glimpse_steps = 64, least_glimpse = 8;
  using Between = std::function<void(double share)>;
  /// Episodes are left after `most_steps`. Throws dream::Error where the driver's world or its actions are others, or where the world has no
  /// expert.
  HeldOut(System& system, std::int64_t most_steps, HeldOutDriver driver = {});
  ~HeldOut();

  /// At least the first `count`; `between` is called after every step of a group with the share that is done, and may
  /// throw.
  const std::vector<LivedEpisode>& first(std::size_t count, const Between& between = {});
  const std::vector<LivedEpisode>& all() const { return episodes_; }
  /// The first `glimpse_steps` of the first group, for a quick look; driving goes on from there. Fewer, but at least
  /// `least_glimpse`, where they would take more than so many `seconds`. Empty where its episodes last no longer.
  std::vector<LivedEpisode> glimpse(const Between& between = {}, double seconds = 1e9);
  LabMoment moment(const LivedEpisode& lived, std::int64_t step) const;
  LabMoment moment(std::size_t episode, std::int64_t step) const;

 private:
  struct Group;
  Group& begin_group(const Between& between);
  void end_group();
  System& system_;
  std::int64_t most_steps_;
  HeldOutDriver driver_;
  std::unique_ptr<HeldOut> driven_by_it_;  // its episodes; null where the system drives itself
  std::vector<LivedEpisode> episodes_;
  std::unique_ptr<Group> driven_;  // the one under way
};

/// Pieces of equal length, one lane each.
struct Stretches {
  struct From {
    std::size_t episode = 0;
    std::int64_t step = 0;  // of the piece's first frame
  };
  SequenceBatch batch;  // `length` + 1 entries
  torch::Tensor cost;   // float [entries, lanes], as the batch's reward; undefined in a world without costs
  std::vector<From> from;
};

/// `length` steps out of every one of these episodes that lasts so long, as many of them as fit in one after the other
/// but at most `each`. No lane at all where every episode is shorter.
Stretches stretches(const std::vector<LivedEpisode>& episodes, std::int64_t length, std::int64_t each,
                    const torch::Device& device);

/// Steps that are watched before anything is imagined: as the player does, or a quarter of short episodes.
std::int64_t context_of(const std::vector<LivedEpisode>& episodes, const Spaces& spaces);

/// The longest horizon up to `wished` that at least half of the episodes outlast after `context` steps; 0: none does.
std::int64_t horizon_within(const std::vector<LivedEpisode>& episodes, std::int64_t context, std::int64_t wished);

/// uint8 [..., H, W, C] -> float [..., C, H, W] in [0, 1].
torch::Tensor unit_pictures(const torch::Tensor& images);

}  // namespace dream
