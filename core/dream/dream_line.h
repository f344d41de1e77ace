#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/dream/timeline.h"

namespace dream {

/// What a dream was begun with and did up to its present: all that another model needs to dream beside it.
struct DreamLine {
  struct Step {
    Timeline::Id id = Timeline::none;
    torch::Tensor action;   // [1, A], on the CPU
    bool anchored = false;  // it stood on the real frame
    bool pilled = false;    // which was its first one since long: it remembers what it dreamt before
  };
  std::shared_ptr<const Start> start;  // who listens reads its seed, env and watched alone
  Timeline::Id begins = Timeline::none;
  std::vector<Step> steps;  // since the start
  std::string environment;
  bool shared = true;  // the environment takes these actions; false: they are a model's own
  bool whole = true;   // its first steps are still kept
};

}  // namespace dream
