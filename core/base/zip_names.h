#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace dream {

/// The names of what a zip archive holds, as its central directory lists them; nothing of it is unpacked. Empty for what is no zip
/// archive, or a damaged one. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (format)
std::vector<std::string> zip_names(const std::filesystem::path& path);

/// Holds all that a zip archive has against the checksums in it, which PyTorch's own reader does not. Throws dream::Error naming
/// file and entry; says nothing of a file that does not begin as an archive.
void check_zip(const std::filesystem::path& path);

}  // namespace dream
