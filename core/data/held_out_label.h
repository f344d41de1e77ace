#pragma once
#include <filesystem>
#include <set>
#include <string>

namespace dream {

// Episodes that nobody is to learn from, by their names (Dataset::name), in a small file of any dataset: data/held_out.json in
// Minari's layout, .held_out.json in a folder of other files, .FILE.held_out.json beside a file that is one by itself.

std::filesystem::path held_out_file(const std::filesystem::path& dataset);
/// Empty where nothing is labelled. Throws dream::Error naming file and field when the file is damaged.
std::set<std::string> held_out_of(const std::filesystem::path& dataset);
void label_held_out(const std::filesystem::path& dataset, const std::set<std::string>& names);

}  // namespace dream
