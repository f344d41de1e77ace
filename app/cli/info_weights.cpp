#include "app/cli/info_weights.h"

#include <array>

#include "core/base/isolated.h"
#include "core/base/text.h"
#include "core/nn/state_dict.h"
#include "core/nn/weight_views.h"

namespace dream::cli {
namespace {

constexpr int reading_seconds = 120;

/// Bars in a line of text.
std::string bars_text(const std::vector<float>& histogram) {
  static constexpr std::array<const char*, 9> heights = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string text;
  for (const auto each : histogram) text += heights[each <= 0 ? 0 : 1 + static_cast<std::size_t>(7 * each)];
  return text;
}

}  // namespace

std::string state_dict_lines(const std::filesystem::path& path) {
  return run_isolated("'" + path.string() + "'", reading_seconds, [&] {
    torch::set_num_threads(1);  // there are no others in this process
    const auto found = read_state_dict(path);
    auto lines = tensor_count(found.tensors) + tensor_lines(found.tensors);
    for (const auto& [name, text] : found.rest) lines += "  " + printable(name.empty() ? "(all of it)" : name, 120) + "  " + printable(text, 80) + '\n';
    return lines;
  });
}

std::string tensor_count(const std::map<std::string, torch::Tensor>& tensors) {
  std::int64_t values = 0, bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    values += tensor.numel();
    bytes += tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
  }
  std::array<char, 120> line = {};
  std::snprintf(line.data(), line.size(), "tensors      %zu, %lld values, %.1f MB\n", tensors.size(), static_cast<long long>(values),
                static_cast<double>(bytes) / 1e6);
  return line.data();
}

std::string tensor_lines(const std::map<std::string, torch::Tensor>& tensors) {
  std::string lines;
  for (const auto& view : weight_views(tensors)) {
    std::array<char, 400> head = {};
    std::snprintf(head.data(), head.size(), "  %-40s %-18s ", view.name.c_str(), view.type.c_str());
    lines += head.data() + view.numbers + (view.histogram.empty() ? "" : "  " + bars_text(view.histogram)) + '\n';
  }
  return lines;
}

}  // namespace dream::cli
