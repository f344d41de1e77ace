#pragma once
#include <string>

#include "core/env/bridge/gym_server.h"

namespace dream {

/// The first answer of scripts/gym_server.py, JSON. Throws dream::Error that names the environment.
GymDescription read_gym_description(const std::string& name, const std::string& text);

}  // namespace dream
