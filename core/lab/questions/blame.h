#pragma once
#include <array>
#include <functional>

#include "core/lab/question.h"

namespace dream::blame {

/// Dreams with ever fewer parts replaced by the truth: what each errs more than the one before is the fault of what was
/// added. The first is a frame that was seen, the last the dream as it is.
enum Stage : std::size_t {
  seen,      // the posterior, decoded: V's floor
  one_step,  // one step of M from every posterior, at the lowest temperature
  calm,      // M alone, open loop under the true actions, at the lowest temperature
  drawn,     // the same as it was learned, at the default temperature
  closed,    // the behaviour decides by the dream, held against the real world under the same actions
  stages
};

/// Errors per step, an entry an episode: [episodes][steps].
using Missed = std::vector<std::vector<double>>;

struct Errors {
  std::int64_t context = 0, horizon = 0, stretches = 0;
  std::int64_t pieces = 1;  // at most, of each further episode
  bool paints = false, drives = false, tempered = false, halves = false, slow = false;
  std::array<Missed, stages> of;
  std::vector<double> still, mean;  // what a frame that stands still and the mean frame miss, per episode, all steps
  /// Halfway through the calm dream one half of its state, or both, is put right: what it misses afterwards, per
  /// episode.
  std::vector<double> after_none, after_latent, after_memory, after_both;
  std::vector<double> worst;                // of the whole dream at every step
  std::vector<Stretches::From> worst_from;  // where that was
  double worst_stretch = -1;                // whose pictures are in the sheet
  Stretches::From sheet_from;
  torch::Tensor sheet;              // [rows · shown, C, H, W]
  std::vector<std::int64_t> shown;  // steps in the sheet
  std::vector<std::string> sheet_rows;

  Stage last() const { return drives ? closed : drawn; }
  std::size_t episodes() const { return of[seen].size(); }
};

/// One group of episodes more, from `from` to `to` of the work.
void measure(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode, Errors& errors,
             double from, double to);

/// The real world, driven by what is or is not true: returns over the first `steps` of the same episodes.
struct Returns {
  enum Player : std::size_t {
    whole,      // the behaviour by what is seen
    predicted,  // by the latent that M expected of this frame
    forgetful,  // by what is seen without memory
    chance,     // random actions
    expert,     // who knows the simulator's state
    players
  };
  std::array<std::vector<double>, players> of;  // empty: nobody plays so
  std::int64_t steps = 0;
  std::string lacks = {};  // why there are none
  std::size_t episodes() const { return of[whole].size(); }
};
extern const std::array<const char*, Returns::players> player_names;

/// As many rounds as there is time for; `played` is called after each.
void play(Inquiry& inquiry, Returns& returns, double from, double to, const std::function<void()>& played);

/// Sentence, numbers and figures of the errors.
void tell_errors(Inquiry& inquiry, const Errors& errors, LabAnswer& answer);
/// Appends those of the returns. `sees` says whether what the behaviour sees is near the truth.
void tell_returns(const Returns& returns, bool sees, LabAnswer& answer);
/// Whether the decoded posterior explains more than half of what happens, as far as can be told.
bool sees_well(const Errors& errors);

}  // namespace dream::blame
