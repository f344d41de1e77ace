#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "core/engine/interleaved.h"
#include "core/engine/walks.h"

namespace dream {

/// Learning from given data alone: nothing is collected.
struct OfflineOptions {
  std::int64_t updates = 10000, batch = 64;
  GivenDatasets datasets = {};  // folders whose episodes it learns from
  double budget_gb = 4;  // of memory
  double best_share = 1;  // of each world's episodes, by their returns, that it learns from
  bool bfloat16 = true;
  std::int64_t evaluate_episodes = 100;

  void fields(Config& config, const std::string& prefix);
  /// Those of them that every such phase has: updates, batch, data and their memory.
  void data_fields(Config& config, const std::string& prefix, const std::string& or_else = {});
};

/// "learn", or another name: reads `options.datasets`, which may change while it learns, or where they name none the dataset
/// `own`, which the phase `own_by` makes, then makes updates of the parts' learner.
std::shared_ptr<Phase> offline_phase(std::shared_ptr<InterleavedParts> parts, const OfflineOptions& options, std::string title,
                                     std::filesystem::path own = {}, std::string own_by = "collect", std::string name = "learn");

/// For recipes, last: curves, phases, memory; as complete_interleaved(). Where no data are given, a `walk` collects them first; what has
/// a behaviour is evaluated at the end.
void complete_offline(System& system, const std::shared_ptr<InterleavedParts>& parts, const OfflineOptions& options,
                      std::string title, const WalkOptions* walk = nullptr);

}  // namespace dream
