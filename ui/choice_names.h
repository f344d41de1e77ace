#pragma once
#include <memory>
#include <string>

#include "api/snapshot.h"
#include "ui/settings.h"

namespace dream::ui {

/// What a person calls a choice of a run's actions, the first is 0; "" where nobody has named it. A model that finds its actions
/// in what it sees cannot know what they are.
std::string choice_name(const Settings& settings, const DreamView& dream, int choice);
/// The same with another name; an empty one takes it away.
void name_choice(Settings& settings, const DreamView& dream, int choice, const std::string& name);

/// The snapshot with these names in the place of the model's own, wherever one is shown; itself where there are none.
std::shared_ptr<const Snapshot> with_choice_names(std::shared_ptr<const Snapshot> snapshot, const Settings& settings);

}  // namespace dream::ui
