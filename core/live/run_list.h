#pragma once
#include <filesystem>
#include <vector>

#include "api/snapshot.h"

namespace dream {

/// The folder `assets` of this program: beside it, or above it in a source checkout; $DREAMSCOPE_ASSETS wins. Empty
/// when there is none.
std::filesystem::path find_assets();

/// Run folders in ASSETS/runs, sorted by name.
/// By their names, but for the one that the window opens with, which is the first.
std::vector<std::filesystem::path> shipped_runs(const std::filesystem::path& assets);
bool is_shipped(const std::filesystem::path& run, const std::filesystem::path& assets);
/// Throws dream::Error for a shipped run, which nobody trains on in its place.
void refuse_shipped(const std::filesystem::path& run, const std::filesystem::path& assets, const std::string& instead = "train the copy on");

/// The same, for what would change or move its folder.
void require_own(const std::filesystem::path& run, const std::filesystem::path& assets);

/// Shipped runs, then those in `runs`, as the window lists them. A damaged one is listed with what is wrong with it.
std::vector<RunView> list_runs(const std::filesystem::path& assets, const std::filesystem::path& runs);

/// "861 ± 40 over 100 tracks" as numbers; not known where it reads otherwise.
ScoreView score_from(const std::string& text);

}  // namespace dream
