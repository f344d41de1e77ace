#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/npy.h"

namespace dream {

/// What of an .npz can be read, and the names of what cannot (texts, Python's objects, Fortran order), with the sentence that says why.
struct NpzParts : Npz {
  std::vector<std::pair<std::string, std::string>> unreadable;
};

/// As read_npz, which refuses a file for any array of these names that it cannot read.
NpzParts read_npz_parts(const std::filesystem::path& path, const std::function<bool(std::string_view)>& wanted);

}  // namespace dream
