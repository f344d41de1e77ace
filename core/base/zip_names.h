#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace dream {

/// The names of what a zip archive holds, as its central directory lists them; nothing of it is unpacked. Empty for what is no zip
/// archive, or a damaged one. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (format)
std::vector<std::string> zip_names(const std::filesystem::path& path);

}  // namespace dream
