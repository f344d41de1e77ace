#pragma once
#include <string>

#include "api/snapshot.h"

namespace dream::ui {

// What the window says of a run: no more than is so.

/// The dream's pace: "52 fps", "paused", or a dot where there is no dream.
std::string pace_of(const DreamView& dream);

/// "runs/car · trained by process 42 · saved 12 s ago"; the clock goes on while the trainer has nothing new to publish.
std::string state_of(const TrainView& train, double now);

/// What stands where no warning stands. Silence is no praise: before anything was learned it means nothing.
std::string no_warning(const TrainView& train);

/// "1 step", "> 9 steps".
std::string usual_steps(const HonestyClock& clock);

/// "1 episode", "1,200 episodes"; "2 classes" where `several` says so.
std::string counted(std::int64_t count, const std::string& what, const std::string& several = {});

/// A world's name without what is for machines: of "gym:ALE/Pong-v5[size=64]", which lives in Python, "ALE/Pong-v5". Whatever stands
/// behind the name stays.
std::string world_label(const std::string& world);

/// How long dreams are usually honest: "41", or "> 10" where no still picture was nearer yet.
std::string usual_text(const HonestyClock& clock);

/// A setting's value as --set takes it.
std::string setting_text(const FieldValue& value);

}  // namespace dream::ui
