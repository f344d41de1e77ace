#include "core/engine/weight_history.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "core/base/durable_file.h"
#include "core/base/entries.h"

namespace dream {
namespace {

constexpr std::size_t most_kept = 16;
constexpr double finest = 1.0 / 256;  // share of the training between two of them, at the beginning
constexpr double longer = 0.8;          // progress falls below this share of the last: more is to be learned now; above, a crash was gone back to
constexpr const char* ending = ".safetensors";

std::filesystem::path file_of(const std::filesystem::path& history, double progress) {
  char name[32];
  std::snprintf(name, sizeof name, "%.4f%s", progress, ending);
  return history / name;
}

/// Which of them is missed least; the first and the last are the ones that the others lie between.
std::size_t least_missed(const std::vector<PastWeights>& kept) {
  std::size_t found = 0;
  double smallest = 1e300;
  for (std::size_t i = 1; i + 1 < kept.size(); ++i) {
    const double gap = kept[i + 1].progress - kept[i - 1].progress;
    if (gap < smallest) smallest = gap, found = i;
  }
  return found;
}

double bytes_of(const std::vector<PastWeights>& kept) {
  double bytes = 0;
  std::error_code ignored;
  for (const auto& weights : kept) {
    const auto size = std::filesystem::file_size(weights.file, ignored);
    if (!ignored) bytes += static_cast<double>(size);
  }
  return bytes;
}

/// Those that were kept when the training was to be shorter have had a smaller share of it than their names say.
void shrink(const std::filesystem::path& history, const std::vector<PastWeights>& kept, double by) {
  std::error_code ignored;
  for (const auto& weights : kept) std::filesystem::rename(weights.file, file_of(history, by * weights.progress), ignored);
}

}  // namespace

std::filesystem::path history_of(const std::filesystem::path& run) {
  return run / "history";
}

std::vector<PastWeights> past_weights(const std::filesystem::path& history) {
  std::vector<PastWeights> kept;
  for (const auto& entry : entries_of(history)) {
    const auto name = entry.filename().string(), stem = entry.stem().string();
    PastWeights weights{0, entry};
    const auto read = std::from_chars(stem.data(), stem.data() + stem.size(), weights.progress);
    if (name == stem + ending && read.ec == std::errc() && read.ptr == stem.data() + stem.size() &&
        weights.progress >= 0 && weights.progress <= 1)
      kept.push_back(std::move(weights));
  }
  std::ranges::sort(kept, {}, &PastWeights::progress);
  return kept;
}

void keep_past(const std::filesystem::path& history, double progress, double budget,
               const std::function<Checkpoint()>& weights) {
  if (budget <= 0) return;
  auto kept = past_weights(history);
  double last = kept.empty() ? -1 : kept.back().progress;
  if (progress < longer * last) {
    shrink(history, kept, progress / last);
    kept = past_weights(history);
    last = kept.empty() ? -1 : kept.back().progress;
  }
  if (progress < last + std::max(finest, last / static_cast<double>(most_kept)) && !(progress == 1 && last < 1)) return;
  const auto now = weights();
  double bytes = 0;
  for (const auto& [name, tensor] : now.tensors) bytes += static_cast<double>(tensor.nbytes());
  if (bytes > budget) return;
  make_folder(history);
  now.save(file_of(history, progress));
  for (kept = past_weights(history); kept.size() > most_kept || bytes_of(kept) > budget; kept = past_weights(history)) {
    std::error_code failure;
    if (!std::filesystem::remove(kept[least_missed(kept)].file, failure)) return;
  }
}

}  // namespace dream
