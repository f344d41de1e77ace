#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/engine/trainer.h"

namespace dream::test {

/// The whole recipe vmc on the real CarRacing, as small as it gets.
inline std::vector<std::string> tiny_settings() {
  return {"collect.episodes=2", "collect.max_steps=60",
          "collect.lanes=2",    "v.epochs=1",
          "v.batch=20",         "v.latent_size=4",
          "v.bfloat16=false",   "m.bfloat16=false",
          "m.hidden_size=8",    "m.steps=3",
          "m.sequence=20",      "m.batch=4",
          "c.generations=1",    "c.population=4",
          "c.episodes=1",       "c.max_steps=40",
          "c.lanes=4",          "evaluate.episodes=2"};
}

inline std::unique_ptr<System> tiny_system(const std::filesystem::path& directory, std::vector<std::string> more = {}) {
  RunSpec spec;
  spec.directory = directory;
  spec.settings = tiny_settings();
  spec.settings.insert(spec.settings.end(), more.begin(), more.end());
  return make_system(spec);
}

}  // namespace dream::test
