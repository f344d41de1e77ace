#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "core/base/durable_file.h"
#include "core/nn/checkpoint.h"
#include "core/serve/json_view.h"

namespace dream {

/// A run that another process trains, as far as its checkpoints tell.
class TrainingWatch {
 public:
  explicit TrainingWatch(std::filesystem::path run) : run_(std::move(run)) {}

  struct News {
    Message message;  // {"event": "training", "phases": …, "curves": …, "trained_by": …}
    std::shared_ptr<const Checkpoint> weights;
  };
  /// What a checkpoint that was written since says; nothing where there is none. Of curves what no earlier news had: all of them
  /// in the first, and all of one that has begun anew, which says "anew": true. Throws dream::Error for a checkpoint that cannot be read.
  std::optional<News> look();

 private:
  std::filesystem::path run_;
  FileMark seen_;
  std::map<std::string, double> told_;  // of every curve, the last x
};

}  // namespace dream
