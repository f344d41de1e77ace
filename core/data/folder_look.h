#pragma once
#include <filesystem>
#include <string>

namespace dream {

/// Of a path that is no run, or none that is a dataset: what it seems to be, and what it lacks or what makes it one, as the end of
/// a sentence, "; it is empty"; or "".
std::string what_folder_is(const std::filesystem::path& path);

}  // namespace dream
