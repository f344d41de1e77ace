#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/lab/question.h"

namespace dream {

/// An answer as JSON; numbers that cannot be told are null. Without `whole`, pictures and the actions of moments are
/// left out: for people's scripts. With it, answer_from_json gives the same answer again (pictures are binary: CBOR
/// holds them).
nlohmann::json answer_to_json(const LabAnswer& answer, bool whole);
/// Throws nlohmann::json::exception for anything else.
LabAnswer answer_from_json(const nlohmann::json& json);

/// The numbers of answers, one line each: run,question,number,value,low,high,unit.
std::string answers_as_csv(const std::vector<LabAnswer>& answers);

/// Where answers are kept: in the run's own folder `lab`, or in `elsewhere`/.lab for a run that stays as it is, which
/// may have come with answers of its own. The name holds the question and the weights, so that newer weights find none.
class AnswerShelf {
 public:
  AnswerShelf(std::filesystem::path run, bool shipped, const std::filesystem::path& elsewhere);
  /// Nothing where none is kept, or what is there cannot be read or is of another version.
  std::optional<LabAnswer> find(const std::string& question, Bench& bench) const;
  /// What the disk refuses is no error: it is only computed again.
  void keep(const LabAnswer& answer, Bench& bench) const;

 private:
  static std::string file(const std::string& question, Bench& bench);
  std::filesystem::path own_, folder_;  // read first; written to
};

}  // namespace dream
