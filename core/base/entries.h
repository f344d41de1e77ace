#pragma once
#include <filesystem>
#include <system_error>
#include <vector>

namespace dream {

/// What lies in a folder, in no order; nothing of one that is not there, and what was found of one that goes away meanwhile.
inline std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code gone;
  for (std::filesystem::directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone)) found.push_back(at->path());
  return found;
}

}  // namespace dream
