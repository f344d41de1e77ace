#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/env/env.h"

namespace dream {

/// A world of another program's may not be there on this machine, and the dream of it can still be dreamed: where recordings of it lie
/// and what its spaces are, `read` only when they are needed, is remembered here for as long as this program runs. Thread-safe.
void remember_world(const std::string& name, const std::string& clips, std::function<Spaces()> read);

/// In the place of a remembered world that cannot be entered because of `why`: it has the spaces, tells by away() what else there is,
/// and refuses all else with `why`. Null where nothing is remembered of it. Throws what `read` throws.
std::unique_ptr<Env> away_world(const std::string& name, const std::string& why);
/// The same if that is known from a try within the last minute, as every try starts a program.
std::unique_ptr<Env> lately_away(const std::string& name);

}  // namespace dream
