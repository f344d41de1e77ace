#include "core/live/run_list.h"

#include <algorithm>
#include <cstdlib>

#include "api/error.h"
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
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (fs::is_regular_file(entry.path() / "checkpoint.safetensors", ignored)) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

RunView describe(const fs::path& run, bool shipped) {
  RunView view;
  view.path = run.string();
  view.title = shipped ? "shipped: " + run.filename().string() : run.string();
  try {
    auto checkpoint = Checkpoint::peek(checkpoint_path(run));
    migrate(checkpoint);
    view.recipe = checkpoint.text("recipe");
    view.environment = checkpoint.text("environment");
    const auto score = checkpoint.metadata.find("fact/score");
    view.detail = score == checkpoint.metadata.end() ? "not evaluated yet" : "score " + score->second;
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
  return assets.empty() ? std::vector<fs::path>() : runs_in(assets / "runs");
}

bool is_shipped(const fs::path& run, const fs::path& assets) {
  if (run.empty() || assets.empty()) return false;
  std::error_code ignored;
  const auto inside = fs::weakly_canonical(run, ignored).lexically_relative(fs::weakly_canonical(assets, ignored));
  return !inside.empty() && *inside.begin() != "..";
}

void refuse_shipped(const fs::path& run, const fs::path& assets) {
  if (!is_shipped(run, assets)) return;
  const auto folder = run.has_filename() ? run : run.parent_path();
  throw Error(folder.string() + " is shipped with the program and stays as it is: copy the folder (cp -r " +
              folder.string() + " runs/" + folder.filename().string() + ") and train the copy on");
}

std::vector<RunView> list_runs(const fs::path& assets, const fs::path& runs) {
  std::vector<RunView> views;
  for (const auto& run : shipped_runs(assets)) views.push_back(describe(run, true));
  for (const auto& run : runs_in(runs)) views.push_back(describe(run, false));
  return views;
}

}  // namespace dream
