#pragma once
#include <set>
#include <string>

#include "api/snapshot.h"

namespace dream::ui {

/// The scripted engine's second family: categorical latents, a policy over six choices, a planner's candidates, one
/// interleaved phase with some twenty curves and sixty settings. Nothing in the window may notice the difference.
void begin_recurrent(DreamView& dream, TrainView& train);

/// What a setting of this key is called, as the engine calls those that have no name of their own.
std::string spoken(const std::string& key);

/// Pictures of the dream and the batch at this step.
void fill_recurrent_frames(DreamView& dream, TrainView& train);

/// The real world at a time.
std::shared_ptr<const Image> recurrent_frame(double t);

/// The watched probes of the dream and the batch.
void fill_recurrent_probes(DreamView& dream, TrainView& train, const std::set<std::string>& watched);

}  // namespace dream::ui
