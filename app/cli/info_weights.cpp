#include "app/cli/info_weights.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/isolated.h"
#include "core/base/text.h"
#include "core/nn/state_dict.h"

namespace dream::cli {
namespace {

constexpr int reading_seconds = 120;
constexpr std::size_t bars = 12;

/// The bars of a histogram between the least and the largest value, relative to the fullest.
std::string histogram(const float* values, std::int64_t count, float low, float high) {
  static constexpr std::array<const char*, 9> heights = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::array<std::int64_t, bars> counts = {};
  const auto width = (high - low) / static_cast<float>(bars);
  for (std::int64_t i = 0; i < count; ++i)
    if (std::isfinite(values[i])) ++counts[std::min(bars - 1, static_cast<std::size_t>((values[i] - low) / width))];
  const auto most = static_cast<double>(*std::ranges::max_element(counts));
  std::string text;
  for (const auto each : counts) text += heights[each == 0 ? 0 : 1 + static_cast<std::size_t>(7 * static_cast<double>(each) / most)];
  return text;
}

std::string moments(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kFloat32).contiguous();
  const auto* values = flat.data_ptr<float>();
  double sum = 0, squares = 0;
  std::int64_t finite = 0;
  float low = 0, high = 0;
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    const auto value = values[i];
    if (!std::isfinite(value)) continue;
    low = finite == 0 ? value : std::min(low, value), high = finite == 0 ? value : std::max(high, value);
    sum += static_cast<double>(value), squares += static_cast<double>(value) * static_cast<double>(value), ++finite;
  }
  if (finite == 0) return flat.numel() == 0 ? "empty" : "nothing in it is a finite number";
  const auto mean = sum / static_cast<double>(finite);
  const auto deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(finite) - mean * mean));
  std::array<char, 128> text = {};
  std::snprintf(text.data(), text.size(), "%.4g ± %.4g, %.4g to %.4g", mean, deviation, static_cast<double>(low), static_cast<double>(high));
  std::string all = text.data();
  if (high > low) all += "  " + histogram(values, flat.numel(), low, high);
  if (finite < flat.numel()) all += "  " + std::to_string(flat.numel() - finite) + " are not finite";
  return all;
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
  for (const auto& [name, tensor] : tensors) {
    std::array<char, 400> head = {};
    std::snprintf(head.data(), head.size(), "  %-40s %-18s ", printable(name, 200).c_str(), c10::str(tensor.scalar_type(), " ", tensor.sizes()).c_str());
    lines += head.data() + (tensor.is_complex() || tensor.is_quantized() ? "" : moments(tensor)) + '\n';
  }
  return lines;
}

}  // namespace dream::cli
