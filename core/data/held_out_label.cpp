#include "core/data/held_out_label.h"

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/checked_json.h"
#include "core/data/minari.h"

namespace dream {
namespace {

constexpr std::uint64_t most_label_bytes = std::uint64_t{1} << 24;

}  // namespace

std::filesystem::path held_out_file(const std::filesystem::path& dataset) {
  if (minari::is_dataset(dataset)) return minari::data_folder(minari::dataset_folder(dataset)) / "held_out.json";
  std::error_code ignored;
  if (std::filesystem::is_directory(dataset, ignored)) return dataset / ".held_out.json";
  return dataset.parent_path() / ("." + dataset.filename().string() + ".held_out.json");
}

std::set<std::string> held_out_of(const std::filesystem::path& dataset) {
  const auto file = held_out_file(dataset);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {};
  const CheckedJson json("'" + file.string() + "'", read_text_file(file, most_label_bytes));
  const auto names = json.texts(json.root(), "held_out");
  return {names.begin(), names.end()};
}

void label_held_out(const std::filesystem::path& dataset, const std::set<std::string>& names) {
  const auto file = held_out_file(dataset);
  std::error_code ignored;
  if (names.empty()) {
    std::filesystem::remove(file, ignored);
    return;
  }
  const CheckedJson::Json root = {{"held_out", names}};
  write_file(file, root.dump(1));
}

}  // namespace dream
