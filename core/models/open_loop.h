#pragma once
#include <functional>
#include <vector>

#include "api/snapshot.h"
#include "core/models/sequence_model.h"

namespace dream {

/// What a model makes of a batch's first sequences: the last frame it saw and its reconstruction, and a sheet of
/// `lanes` sequences in three rows each (truth, dream, difference), of which the first `context` frames were seen and
/// the rest was imagined under the true actions. Empty for a model that paints no pictures.
std::vector<Frame> open_loop_frames(WorldModel& model, const SequenceBatch& batch, std::int64_t context,
                                    at::Generator rng, std::int64_t lanes = 3, std::int64_t columns = 16);

/// Whose opinion of states is asked: features [N, F] -> [N]; empty: nobody's.
struct Valued {
  std::function<torch::Tensor(const torch::Tensor&)> value;
  double discount = 1, lambda = 1;
};

/// What a model and a critic predict for the batch's first sequence, imagined under the true actions after `context`
/// seen steps, against what came true: reward, as the model was taught it, continue, and cost in a world with costs; the
/// value of every imagined state and the λ-return of that imagination, against the discounted return that followed up to
/// the end of the sequence (an episode's end, or the critic's own last value). Publishes predicted/reward,
/// predicted/continue, predicted/cost and, where somebody values, predicted/value, computing only what the sink wants.
void report_predicted(WorldModel& model, const SequenceBatch& batch, std::int64_t context, const Valued& valued,
                      ProbeSink& sink, at::Generator rng);

}  // namespace dream
