#pragma once
#include <filesystem>
#include <functional>
#include <memory>

#include "core/base/rng.h"
#include "core/config/config.h"
#include "core/engine/phase.h"
#include "core/engine/system.h"

namespace dream {

/// Episodes of random actions in the run's own world, for systems that learn from episodes and were given none.
struct WalkOptions {
  std::int64_t episodes = 200, max_steps = 100, hold = 1, lanes = 8;
  bool expert = false;  // the world's own expert walks, shaken by up to `noise` (see Collector); a recipe that offers it declares both
  double noise = 0;

  void fields(Config& config, const std::string& prefix);
};

/// "collect": writes them into `folder`. The dataset itself is the checkpoint: a resumed collection goes on where its file
/// ends. `before` is called as it begins.
std::shared_ptr<Phase> walk_phase(System& system, const WalkOptions& options, std::filesystem::path folder, Rng rng,
                                  std::function<void()> before = {});

}  // namespace dream
