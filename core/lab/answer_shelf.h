#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/lab/question.h"

namespace dream {

/// Where answers are kept: in the run's own folder `lab`, or in `elsewhere`/.lab for a run that stays as it is, which
/// may have come with answers of its own. The name holds the question and the weights, so that newer weights find none.
class AnswerShelf {
 public:
  AnswerShelf(std::filesystem::path run, bool shipped, const std::filesystem::path& elsewhere);
  /// Whether there is anything to find, of whatever weights.
  bool holds_any() const;
  /// Nothing where none is kept, or what is there cannot be read or is of another version.
  std::optional<LabAnswer> find(const std::string& question, Bench& bench) const;
  /// What the disk refuses is no error: it is only computed again. What rests on the beginnings of episodes alone is not kept.
  void keep(const LabAnswer& answer, Bench& bench) const;

 private:
  static std::string file(const std::string& question, Bench& bench);
  std::filesystem::path own_, folder_;  // read first; written to
};

}  // namespace dream
