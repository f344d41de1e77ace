#pragma once
#include <filesystem>
#include <string>

namespace dream::cli {

/// What a dataset holds, in lines: shapes, what serves no model, returns, ranges, what is damaged. `sheet`: a PNG of thumbnails
/// to write, or "". Throws dream::Error.
void print_dataset(const std::filesystem::path& path, const std::string& sheet);

}  // namespace dream::cli
