#include "core/data/folder_look.h"

#include "core/data/dataset.h"
#include "core/data/minari.h"

namespace dream {

std::string what_folder_is(const std::filesystem::path& path) {
  std::error_code code;
  if (is_dataset(path)) return "; it is a dataset, which dreamscope-cli info shows and train.datasets learns from";
  if (!std::filesystem::is_directory(path, code)) return "";
  if (std::filesystem::is_empty(path, code)) return "; it is empty";
  const auto holds = [&](const char* name) { return std::filesystem::exists(path / name, code); };
  if (holds("meta/info.json")) return "; it is in LeRobot's format (meta/info.json), of which scripts/bring_lerobot.py FOLDER OUT makes a dataset (docs/data.md)";
  for (const auto* name : {"data/main_data.hdf5", "data/episodes", "main_data.hdf5"})
    if (holds(name)) return std::string("; with ") + name + " it looks like a dataset in Minari's layout, whose metadata.json is missing beside that";
  return "";
}

}  // namespace dream
