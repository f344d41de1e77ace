#include "core/nn/weight_views.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/isolated.h"
#include "core/base/text.h"
#include "core/nn/state_dict.h"

namespace dream {
namespace {

constexpr int seconds_of_reading = 120;

/// The bars of a histogram between the least and the largest value, relative to the fullest.
std::vector<float> histogram(const float* values, std::int64_t count, float low, float high, std::size_t bars) {
  std::vector<std::int64_t> counts(bars, 0);
  const auto width = (high - low) / static_cast<float>(bars);
  for (std::int64_t i = 0; i < count; ++i)
    if (std::isfinite(values[i])) ++counts[std::min(bars - 1, static_cast<std::size_t>((values[i] - low) / width))];
  const auto most = static_cast<double>(*std::ranges::max_element(counts));
  std::vector<float> heights;
  for (const auto each : counts) heights.push_back(static_cast<float>(static_cast<double>(each) / most));
  return heights;
}

void measure(const torch::Tensor& tensor, std::size_t bars, WeightView& view) {
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
  if (finite == 0) return void(view.numbers = flat.numel() == 0 ? "empty" : "nothing in it is a finite number");
  const auto mean = sum / static_cast<double>(finite);
  const auto deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(finite) - mean * mean));
  std::array<char, 128> text = {};
  std::snprintf(text.data(), text.size(), "%.4g ± %.4g, %.4g to %.4g", mean, deviation, static_cast<double>(low), static_cast<double>(high));
  view.numbers = text.data();
  if (high > low && std::isfinite(high - low)) view.histogram = histogram(values, flat.numel(), low, high, bars);
  if (finite < flat.numel()) view.numbers += "; " + std::to_string(flat.numel() - finite) + " are not finite";
}

}  // namespace

std::vector<WeightView> weight_views(const std::map<std::string, torch::Tensor>& tensors, std::size_t bars) {
  std::vector<WeightView> views;
  for (const auto& [name, tensor] : tensors) {
    WeightView view{printable(name, 200), c10::str(tensor.scalar_type(), " ", tensor.sizes()), "", {}};
    if (!tensor.is_complex() && !tensor.is_quantized()) measure(tensor, bars, view);
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<WeightView> saved_weight_views(const std::filesystem::path& path, std::size_t bars) {
  const auto text = run_isolated("'" + path.string() + "'", seconds_of_reading, [&] {
    torch::set_num_threads(1);  // there are no others in this process
    auto list = nlohmann::json::array();
    for (const auto& view : weight_views(read_state_dict(path).tensors, bars)) list.push_back({view.name, view.type, view.numbers, view.histogram});
    return list.dump();
  });
  std::vector<WeightView> views;
  for (const auto& each : nlohmann::json::parse(text)) views.push_back({each[0], each[1], each[2], each[3].get<std::vector<float>>()});
  return views;
}

}  // namespace dream
