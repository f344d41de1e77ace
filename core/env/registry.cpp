#include "core/env/registry.h"

#include <fmt/format.h>

#include "api/error.h"
#include "core/base/nearest.h"
#include "core/env/car_racing.h"

namespace dream {

const std::vector<EnvEntry>& environments() {
  static const std::vector<EnvEntry> entries = {
      {"CarRacing", "Drive a lap on a random track, seen from above; steer, gas and brake are continuous.",
       [] { return std::make_unique<CarRacing>(); }},
      {"CarRacingDiscrete", "CarRacing with five actions: nothing, right, left, gas, brake.",
       [] { return std::make_unique<CarRacing>(CarRacingOptions{.continuous = false}); }},
      {"CarRacingRandomized", "CarRacing with other colours in every episode.",
       [] { return std::make_unique<CarRacing>(CarRacingOptions{.domain_randomize = true}); }},
  };
  return entries;
}

std::unique_ptr<Env> make_env(const std::string& name) {
  std::vector<std::string> known;
  for (const EnvEntry& entry : environments()) {
    if (entry.name == name) return entry.make();
    known.push_back(entry.name);
  }
  const std::string guess = nearest(name, known);
  throw Error(fmt::format("Unknown environment '{}'{} Known: {}.", name,
                          guess.empty() ? "." : fmt::format("; did you mean '{}'?", guess), fmt::join(known, ", ")));
}

}  // namespace dream
