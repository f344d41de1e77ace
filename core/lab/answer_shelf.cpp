#include "core/lab/answer_shelf.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "answers/answer_json.h"
#include "core/base/durable_file.h"
#include "core/base/entries.h"

namespace dream {

AnswerShelf::AnswerShelf(std::filesystem::path run, bool shipped, const std::filesystem::path& elsewhere) {
  std::error_code ignored;
  run = std::filesystem::weakly_canonical(run, ignored);
  if (!std::filesystem::is_directory(run, ignored)) run = run.parent_path();
  own_ = run / "lab";
  folder_ = shipped ? elsewhere / ".lab" / run.filename() : own_;
}

std::string AnswerShelf::file(const std::string& question, Bench& bench) {
  if (bench.kept_weights.empty()) bench.kept_weights = fingerprint(*bench.system);
  return question + "-" + bench.kept_weights + ".cbor";
}

bool AnswerShelf::holds_any() const {
  const auto any = [](const std::filesystem::path& folder) {
    return std::ranges::any_of(entries_of(folder), [](const auto& entry) { return entry.extension() == ".cbor"; });
  };
  return any(own_) || any(folder_);
}

std::optional<LabAnswer> AnswerShelf::find(const std::string& question, Bench& bench) const {
  const auto name = file(question, bench);
  std::ifstream in(own_ / name, std::ios::binary);
  if (!in) in = std::ifstream(folder_ / name, std::ios::binary);
  if (!in) return {};
  try {
    const auto whole = nlohmann::json::from_cbor(std::vector<std::uint8_t>(std::istreambuf_iterator<char>(in), {}));
    if (whole.at("version") != answer_version || whole.at("question") != question) return {};
    auto answer = answer_from_json(whole);
    // The folder may have been moved since.
    answer.runs = {bench.system->directory.string()};
    for (auto& figure : answer.figures)
      for (auto& moment : figure.moments) moment.run = answer.runs.front();
    answer.kept = true;
    return answer;
  } catch (const std::exception&) {
    return {};
  }
}

void AnswerShelf::keep(const LabAnswer& answer, Bench& bench) const {
  if (!answer.fault.empty() || !answer.complete || bench.glimpsed) return;
  try {
    const auto path = folder_ / file(answer.question, bench);
    std::filesystem::create_directories(path.parent_path());
    const auto bytes = nlohmann::json::to_cbor(answer_to_json(answer, true));
    write_file(path, std::string(bytes.begin(), bytes.end()));
  } catch (const std::exception&) {
  }
}

}  // namespace dream
