#include "core/env/registry.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "api/error.h"
#include "core/env/car_racing.h"

namespace dream {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

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
  const auto& entries = environments();
  std::string known;
  const EnvEntry* nearest = &entries.front();
  for (const EnvEntry& entry : entries) {
    if (entry.name == name) return entry.make();
    if (edit_distance(entry.name, name) < edit_distance(nearest->name, name)) nearest = &entry;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  throw Error(fmt::format("Unknown environment '{}'; did you mean '{}'? Known: {}.", name, nearest->name, known));
}

}  // namespace dream
