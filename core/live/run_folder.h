#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace dream {

// What is done to a run's folder as a whole. Everything throws dream::Error in one sentence and leaves all as it was: for
// a folder that holds no run, one that is being trained by whatever program, and a name that is taken or no name.

/// Gives the folder another name in its place. Returns the new path.
std::filesystem::path rename_run(const std::filesystem::path& run, const std::string& name);

/// Told bytes done and bytes in all; false ends the copy, and nothing is left of it.
using CopyProgress = std::function<bool(double done, double all)>;
/// A copy of the whole folder at `to`, which appears once it is complete. `run` may lie where nothing can be written.
void copy_run(const std::filesystem::path& run, const std::filesystem::path& to, const CopyProgress& progress);

/// Moves it into the folder .deleted beside it. Returns where it lies there.
std::filesystem::path delete_run(const std::filesystem::path& run);
/// And back.
void restore_run(const std::filesystem::path& kept, const std::filesystem::path& run);

}  // namespace dream
