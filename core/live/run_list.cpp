#include "core/live/run_list.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <locale>
#include <sstream>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/entries.h"
#include "core/base/platform.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/nn/checkpoint.h"

namespace dream {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> runs_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : entries_of(folder)) {
    if (entry.filename().string().starts_with('.')) continue;  // what is being copied, what was deleted
    if (fs::is_regular_file(entry / "checkpoint.safetensors", ignored)) found.push_back(entry);
  }
  std::sort(found.begin(), found.end());
  return found;
}

double bytes_in(const fs::path& folder) {
  double bytes = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
    if (at->is_regular_file(ignored)) bytes += static_cast<double>(at->file_size(ignored));
  }
  return bytes;
}

/// Where training stood when the checkpoint was saved, by what Trainer::save has left there.
void read_progress(const std::string& text, RunView& view) {
  std::istringstream lines(text);
  lines.imbue(std::locale::classic());
  double sum = 0;
  int phases = 0;
  std::string name, detail;
  for (double progress = 0; lines >> name >> progress && std::getline(lines, detail); ++phases) {
    sum += std::clamp(progress, 0.0, 1.0);
    if (progress <= 0) continue;  // the last one that has begun says where it stands
    view.training = name + ' ' + std::to_string(std::lround(std::min(progress, 1.0) * 100)) + " %";
    if (detail.size() > 1) view.training += ':' + detail;
  }
  if (phases > 0) view.progress = sum / phases;
}

RunView describe(const fs::path& run, bool shipped) {
  RunView view;
  view.path = run.string();
  view.shipped = shipped;
  view.name = run.filename().string();
  view.title = shipped ? "shipped: " + view.name : run.string();
  view.bytes = bytes_in(run);
  view.trained_by = shipped ? "" : writer_of(run);
  try {
    const auto file = checkpoint_path(run);
    view.changed = mark_of(file).changed / 1'000'000'000;
    auto checkpoint = Checkpoint::peek(file);
    migrate(checkpoint);
    remember_world_of(checkpoint);  // whoever asks for that world's spaces where it is not on this machine has them of the run's clips
    view.recipe = checkpoint.text("recipe");
    view.environment = checkpoint.text("environment");
    for (const auto& entry : recipes()) {
      if (entry.name == view.recipe) view.model = entry.title;
    }
    const auto& said = checkpoint.metadata;
    if (const auto progress = said.find(run_progress_key); progress != said.end())
      read_progress(progress->second, view);
    const auto score = said.find(std::string(fact_prefix) + score_fact);
    view.detail = score == said.end() ? "not evaluated yet" : "score " + score->second;
    if (score != said.end()) view.score = score_from(score->second);
    view.usable = true;
  } catch (const std::exception& error) {
    view.detail = error.what();
  }
  return view;
}

}  // namespace

fs::path find_assets() {
  if (const char* named = std::getenv("DREAMSCOPE_ASSETS"); named && *named) return named;
  std::error_code ignored;
  for (auto folder = program_directory(); !folder.empty(); folder = folder.parent_path()) {
    if (fs::is_directory(folder / "assets" / "runs", ignored)) return folder / "assets";
    if (folder == folder.root_path()) break;
  }
  return {};
}

std::vector<fs::path> shipped_runs(const fs::path& assets) {
  const std::string first = "car_racing";  // what the window opens with
  auto runs = assets.empty() ? std::vector<fs::path>() : runs_in(assets / "runs");
  std::ranges::stable_partition(runs, [&](const fs::path& run) { return run.filename() == first; });
  return runs;
}

bool is_shipped(const fs::path& run, const fs::path& assets) {
  if (run.empty() || assets.empty()) return false;
  std::error_code ignored;
  const auto inside = fs::weakly_canonical(run, ignored).lexically_relative(fs::weakly_canonical(assets, ignored));
  return !inside.empty() && *inside.begin() != "..";
}

void refuse_shipped(const fs::path& run, const fs::path& assets, const std::string& instead) {
  if (!is_shipped(run, assets)) return;
  const auto folder = run.has_filename() ? run : run.parent_path();
  throw Error(folder.string() + " is shipped with the program and stays as it is: copy the folder (cp -r " +
              folder.string() + " runs/" + folder.filename().string() + ") and " + instead);
}

void require_own(const fs::path& run, const fs::path& assets) {
  if (is_shipped(run, assets))
    throw Error(run.string() + " is shipped with the program and stays as it is; a copy of it is your own");
}

ScoreView score_from(const std::string& text) {
  std::istringstream words(text);
  words.imbue(std::locale::classic());
  ScoreView score;
  std::string sign;
  if (!(words >> score.mean >> sign >> score.deviation) || sign != "±") return {};
  std::getline(words >> std::ws, score.of);
  score.known = true;
  return score;
}

std::vector<RunView> list_runs(const fs::path& assets, const fs::path& runs) {
  std::vector<RunView> views;
  for (const auto& run : shipped_runs(assets)) views.push_back(describe(run, true));
  for (const auto& run : runs_in(runs)) views.push_back(describe(run, false));
  return views;
}

}  // namespace dream
