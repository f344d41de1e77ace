#pragma once
#include <memory>

#include "core/engine/system.h"

namespace dream::test {

/// The recipe of the window family: model, actor-critic and their learner in the interleaved phase.
std::unique_ptr<System> make_window(const RunSpec& spec);
/// Its line of the list.
RecipeEntry window_entry();

}  // namespace dream::test
