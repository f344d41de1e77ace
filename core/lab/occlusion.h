#pragma once
#include <vector>

#include "core/lab/question.h"
#include "core/nn/torch.h"

namespace dream {

/// Numbers of several episodes over several steps: [episode][step].
using StepRows = std::vector<std::vector<double>>;

/// What a model makes of what is hidden from it: squared errors, summed over hidden pixels.
struct HiddenErrors {
  StepRows made, still,
      middle;  // of pixels that move in this very step: the model, the last picture seen, the mean frame
  StepRows changed, changed_still;  // of pixels that are no longer as they were when last seen
};

/// A real frame after some imagined steps, and the error of the next imagined picture: with everything remembered, and
/// with that one frame alone.
struct RecallErrors {
  std::int64_t after = 0;         // imagined steps before the frame; 0: none
  std::vector<double> full, cut;  // mean squared error of each episode
};

/// Held-out episodes that were watched, then hidden while the world went on.
struct Occlusion {
  static constexpr std::int64_t longest_hidden = 40;
  std::int64_t context = 0, steps = 0;
  HiddenErrors away;     // nothing is looked at: imagined
  HiddenErrors covered;  // frames are looked at that show the mean colour alone
  HiddenErrors quarter;  // a quarter of every frame is covered, at five places; errors are those under the cover
  std::vector<RecallErrors> recall;
  std::vector<Stretches::From> from;
  torch::Tensor sheet;  // of the first episode, `shown` columns: truth, covered, watched, imagined [4·n, C, H, W]
  std::vector<std::int64_t> shown;
  bool paints = true;
};

/// Adds some episodes; those of `episodes` are the run's from `first_episode` on. Works on `from` … `to` of the
/// question.
void measure_occlusion(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode,
                       Occlusion& sums, double from, double to);

/// Steps for which what is hidden is known better than by the last picture seen and by the mean frame, counted until it
/// no longer is. NaN where nothing moved. With `against_mean` false, the last picture alone is what it is held against.
double known_steps(const HiddenErrors& errors, const std::vector<std::size_t>& episodes, bool against_mean = true);
/// 1 − error / error of the last picture seen, on what changed up to step `step` (from 1): 0 for a copy of what was
/// there.
double change_explained(const HiddenErrors& errors, const std::vector<std::size_t>& episodes, std::int64_t step);

}  // namespace dream
