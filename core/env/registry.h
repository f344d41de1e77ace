#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/env/env.h"

namespace dream {

struct EnvEntry {
  std::string name;  // "CarRacing"
  std::string help;  // one sentence
  std::function<std::unique_ptr<Env>()> make;
};

/// Every environment, in the order in which the window lists them. A new environment is one line in registry.cpp.
const std::vector<EnvEntry>& environments();

/// Throws dream::Error that lists the known names and suggests the nearest.
std::unique_ptr<Env> make_env(const std::string& name);

}  // namespace dream
