#pragma once
#include "core/lab/question.h"
#include "core/lab/statistics.h"
#include "core/lab/watched.h"
#include "core/models/finds_actions.h"

namespace dream {

/// Whether dreams listen to their actions, as the paper of Genie measures it (Δ₄PSNR): the fourth imagined frame under
/// the actions that led through a held-out episode against that under others. Sums of one episode.
struct Listened {
  double told = 0, misled = 0, still = 0;  // squared errors of that frame; of the last seen one in its place
  double pixels = 0;                       // numbers behind them
  double moved = 0, truly = 0;             // Σ|x̂ − x₀|, Σ|x − x₀|
};
constexpr std::int64_t listening_steps = 4;

/// The actions that a model of its own has found; null for one that takes the world's.
FindsActions* finder_of(const System& system);

/// One group of held-out episodes, watched to its end, and where its dreams begin.
class Listening {
 public:
  /// `each` hears of every frame that is watched. `from` … `to` of the work.
  Listening(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first, double from, double to,
            const std::function<void(const Whole& all, std::int64_t t, const Carry& seen)>& each = {});
  /// The frames that dreams begin at.
  std::vector<std::int64_t> starts() const;
  /// Adds the dreams that begin at frame t, bent by `knobs`, to those of all episodes. The same chance in every dream
  /// of this start, so that what is asked about is all that differs; `rng` draws the others' actions.
  void dream(std::int64_t t, const KnobValues& knobs, std::vector<Listened>& episodes, at::Generator rng) const;
  /// The carry of lane 0 at frame t.
  Carry one(std::int64_t t) const { return select_lane(seen_.at(static_cast<std::size_t>(t)), 0); }
  /// The action that led to frame t, [B, A]: the one that was inferred, or the true one.
  torch::Tensor action_at(std::int64_t t) const;

 private:
  Inquiry& inquiry_;
  Whole all_;
  std::vector<Carry> seen_;
};

double psnr_of(const std::vector<const Listened*>& episodes);
double delta_psnr_of(const std::vector<const Listened*>& episodes);
double motion_of(const std::vector<const Listened*>& episodes);
/// A statistic of all of them, its interval by the bootstrap over episodes.
Interval over_listened(const std::vector<Listened>& episodes,
                       const std::function<double(const std::vector<const Listened*>&)>& of);

}  // namespace dream
