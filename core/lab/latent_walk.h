#pragma once
#include <string>
#include <vector>

#include "core/engine/system.h"
#include "core/lab/question.h"

namespace dream {

/// The carry of a held-out moment: its episode is lived again, and its last frames are watched as the player does.
struct LivedMoment {
  Carry carry;            // one lane
  torch::Tensor picture;  // [C, H, W] in [0, 1], what the world showed; undefined where it shows none
};
/// Throws dream::Error where the episode ends before the moment.
LivedMoment live_again(System& system, const LabMoment& moment);

/// What lies between two moments of a run, `steps` pictures (at least 2) from the one to the other.
struct LatentWalk {
  torch::Tensor whole;        // [steps, C, H, W]: all of the state goes over
  torch::Tensor latent;       // the latent alone, with the first moment's memory; undefined for a model without halves
  torch::Tensor first, last;  // what the world showed at both ends; undefined where it shows nothing
  std::string lacks;          // why there is no walk; "" where there is one
  /// Rows as above of `steps` + 2 pictures, a film: the walk between what the world showed.
  LabFigure sheet(const LabMoment& from, const LabMoment& to) const;
};
/// Numbers go over in a straight line; of classes, the probabilities that the posterior gives them do, and the
/// likeliest is taken. `lacks` says so where a model paints nothing.
LatentWalk walk_latents(System& system, const LabMoment& from, const LabMoment& to, std::int64_t steps);
/// The same between two carries of one lane.
LatentWalk walk_between(WorldModel& model, const Carry& from, const Carry& to, std::int64_t steps);

}  // namespace dream
