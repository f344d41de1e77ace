#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/env/env.h"

namespace dream {

struct EnvEntry {
  std::string name;  // "CarRacing"
  std::string help;  // one sentence
  std::function<std::unique_ptr<Env>()> make;
  /// With factors of variation: what `Name[factor=value,…]` makes. Throws dream::Error for other factors and values.
  std::function<std::unique_ptr<Env>(const std::map<std::string, std::string>&)> vary = {};
};

/// Every environment, in the order in which the window lists them. A new environment is one line in registry.cpp.
const std::vector<EnvEntry>& environments();

/// A name of the list; of an environment with factors of variation also `Name[factor=value,…]`, as "TwoRoom[dot=2]". Throws
/// dream::Error that lists the known names and suggests the nearest.
std::unique_ptr<Env> make_env(const std::string& name);

}  // namespace dream
