// Small models of the family, and a batch for them.
#pragma once
#include <string>
#include <vector>

#include "core/engine/dreamer/dreamer.h"
#include "core/models/rssm.h"
#include "tests/models/model_test.h"

namespace dream::test {

inline Spaces pixels(std::int64_t actions, bool discrete = true, int channels = 3) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64;
  spaces.image_channels = channels;
  for (std::int64_t i = 0; i < actions; ++i) {
    const auto name = "a" + std::to_string(i);
    if (discrete) {
      spaces.action.choices.push_back(name);
    } else {
      spaces.action.axes.push_back(name);
      spaces.action.low.push_back(-1), spaces.action.high.push_back(1), spaces.action.idle.push_back(0);
    }
  }
  return spaces;
}

inline DreamerOptions published(const std::string& recipe, bool discrete, const std::string& size = "1m",
                                const std::string& constants = "2024") {
  DreamerOptions o;
  o.size = choice_of<Size>(size);
  o.constants = choice_of<Constants>(constants);
  set_published(o, recipe, discrete);
  return o;
}

struct Variant {
  const char* recipe;
  const char* constants;
  bool discrete;
};
inline const std::vector<Variant> variants = {{"planet", "2024", false},
                                              {"dreamer-v1", "2024", false},
                                              {"dreamer-v2", "2024", true},
                                              {"dreamer-v3", "2024", true},
                                              {"dreamer-v3", "2023", true}};

inline DreamerOptions small(const Variant& v) {
  auto o = published(v.recipe, v.discrete, std::string(v.constants) == "2023" ? "s" : "1m", v.constants);
  auto& w = o.world;
  w.deter = w.hidden = w.units = 32;
  w.groups = 6;
  w.classes = 6;
  w.depth = 4;
  w.reward_layers = w.continue_layers = 1;
  return o;
}

/// Two lanes of four frames: a bright square that wanders, a reward that depends on where it is.
inline SequenceBatch wandering(bool discrete) {
  SequenceBatch batch;
  const std::int64_t steps = 4, lanes = 2;
  batch.image = torch::full({steps, lanes, 64, 64, 3}, 40, torch::kUInt8);
  batch.reward = torch::zeros({steps, lanes});
  batch.action = torch::zeros({steps, lanes, 1});
  batch.first = torch::zeros({steps, lanes});
  batch.first[0].fill_(1);
  batch.terminated = torch::zeros({steps, lanes});
  batch.terminated[steps - 1][1] = 1;
  batch.last = batch.terminated.clone();
  for (std::int64_t t = 0; t < steps; ++t) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto x = 8 + 12 * (lane == 0 ? t : steps - 1 - t);
      batch.image[t][lane].slice(0, 20, 44).slice(1, x, x + 20).fill_(220);
      batch.reward[t][lane] = x > 30 ? 1.0 : -0.5;
      batch.action[t][lane] = discrete ? static_cast<double>(lane) : lane == 0 ? 0.5 : -0.5;
    }
  }
  return batch;
}

}  // namespace dream::test
