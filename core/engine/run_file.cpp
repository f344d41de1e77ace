#include "core/engine/run_file.h"

#include <algorithm>
#include <charconv>

namespace dream {
namespace {

/// V-M-C's evaluation knew neither for how many episodes its score stands nor what was under way.
void evaluation_of_so_many_episodes(Checkpoint& checkpoint) {
  if (!checkpoint.tensors.contains("evaluate.controller")) return;
  checkpoint.tensors.try_emplace("evaluate.episodes", torch::zeros({1}, torch::kInt64));
  checkpoint.tensors.try_emplace("evaluate.driver", torch::zeros({0}, torch::kFloat64));
}

struct Migration {
  int from;  // leads to the next format
  void (*apply)(Checkpoint&);
};
constexpr Migration migrations[] = {{1, evaluation_of_so_many_episodes}};

int format_of(const Checkpoint& checkpoint) {
  const auto found = checkpoint.metadata.find(run_format_key);
  if (found == checkpoint.metadata.end()) return 1;
  const auto& text = found->second;
  int format = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), format);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || format < 1)
    throw Error(checkpoint.origin + ": its format is '" + text + "'; a number from 1 to " + std::to_string(run_format) +
                " was expected");
  if (format > run_format) {
    throw Error(checkpoint.origin + " has the format " + text + ", and this program knows those up to " +
                std::to_string(run_format) + ": a newer one has written it");
  }
  return format;
}

}  // namespace

void migrate(Checkpoint& checkpoint) {
  const int format = format_of(checkpoint);
  for (const auto& migration : migrations) {
    if (migration.from >= format) migration.apply(checkpoint);
  }
  checkpoint.metadata[run_format_key] = std::to_string(run_format);
}

Checkpoint load_run(const std::filesystem::path& file) {
  auto checkpoint = Checkpoint::load(file);
  migrate(checkpoint);
  return checkpoint;
}

bool holds_weights_alone(const Checkpoint& checkpoint) {
  return std::none_of(checkpoint.tensors.begin(), checkpoint.tensors.end(), [](const auto& item) {
    const auto begins = [&](const char* prefix) { return item.first.starts_with(prefix); };
    return !begins("model/") && !begins("behaviour/") && !begins("starts/") && !begins("curve/") &&
           !begins("curve_state/");
  });
}

}  // namespace dream
