#pragma once
#include <gtest/gtest.h>
#include "core/nn/torch.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/engine/system.h"
#include "core/nn/checkpoint.h"

namespace dream::test {

struct DreamerRun {
  const char* recipe;
  const char* environment;
  std::vector<std::string> settings;
};

/// A recipe of the Dreamer family on a real environment, as small as it gets.
inline std::unique_ptr<System> tiny_dreamer(const DreamerRun& run, const std::filesystem::path& directory,
                                            const std::vector<std::string>& more = {}) {
  RunSpec spec;
  spec.recipe = run.recipe;
  spec.environment = run.environment;
  spec.directory = directory;
  spec.settings = {"train.steps=70",
                   "train.prefill=40",
                   "train.lanes=2",
                   "train.batch=2",
                   "train.length=6",
                   "train.train_ratio=4",
                   "train.evaluate_episodes=2",
                   "train.bfloat16=false",
                   "world.deter=16",
                   "world.hidden=8",
                   "world.units=8",
                   "world.depth=2",
                   "world.groups=3"};
  if (std::string(run.recipe) != "planet")
    spec.settings.insert(spec.settings.end(), {"behaviour.units=8", "behaviour.horizon=3"});
  for (const auto* list : {&run.settings, &more}) spec.settings.insert(spec.settings.end(), list->begin(), list->end());
  return make_system(spec);
}

/// What a run has saved.
inline std::map<std::string, torch::Tensor> all_of(const std::filesystem::path& run) {
  return Checkpoint::load(run / "checkpoint.safetensors").tensors;
}

inline void expect_same(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto first = all_of(a), second = all_of(b);
  EXPECT_EQ(first.size(), second.size());
  for (const auto& [name, tensor] : first) {
    ASSERT_TRUE(second.contains(name)) << name;
    EXPECT_TRUE(torch::equal(tensor, second.at(name))) << name;
  }
}

}  // namespace dream::test
