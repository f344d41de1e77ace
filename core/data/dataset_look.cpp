#include "core/data/dataset_look.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "api/error.h"
#include "core/env/resizer.h"

namespace dream {
namespace {

constexpr std::size_t parts = 20;  // of an axis

/// Mean and deviation as numbers come (Welford 1962).
struct Running {
  double low = std::numeric_limits<double>::infinity(), high = -low, mean = 0, squares = 0, count = 0;

  void add(double v) {
    low = std::min(low, v), high = std::max(high, v);
    const double off = v - mean;
    mean += off / ++count;
    squares += off * (v - mean);
  }
  Spread spread(std::string name) const {
    if (count == 0) return {std::move(name), 0, 0, 0, 0};
    return {std::move(name), low, high, mean, std::sqrt(squares / count)};
  }
};

double evenness(const std::vector<double>& counts) {
  double sum = 0, entropy = 0;
  for (const double n : counts) sum += n;
  if (counts.size() < 2 || sum == 0) return 0;
  for (const double n : counts) entropy -= n > 0 ? n / sum * std::log(n / sum) : 0;
  return entropy / std::log(static_cast<double>(counts.size()));
}

template <typename T>
void hash_into(std::size_t& seed, const std::vector<T>& values) {
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  seed = seed * 1099511628211u ^ std::hash<std::string_view>{}(bytes);
}

template <typename T>
std::size_t repeats(const std::vector<T>& values, std::size_t width) {
  std::size_t same = 0;
  for (std::size_t at = width; width > 0 && at + width <= values.size(); at += width)
    same += std::memcmp(values.data() + at, values.data() + at - width, width * sizeof(T)) == 0;
  return same;
}

std::vector<std::size_t> evenly(std::size_t count, std::size_t most) {
  std::vector<std::size_t> chosen;
  const auto wanted = std::min(count, most);
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(i * count / wanted);
  return chosen;
}

}  // namespace

DatasetLook look_at(const Dataset& dataset, std::size_t most, const std::function<bool(double)>& progress) {
  const auto& spaces = dataset.info().spaces;
  const auto numbers = spaces.vector_names.size(), axes = spaces.action.size();
  DatasetLook look;
  look.damaged = dataset.skipped();
  std::vector<Running> vector(numbers), actions(axes);
  Running reward;
  std::vector<std::vector<float>> done(axes);
  std::map<std::size_t, std::string> known;
  const auto chosen = evenly(dataset.episodes(), most);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    Episode e;
    try {
      e = dataset.read(chosen[i]);
    } catch (const Error& error) {
      look.damaged.emplace_back(error.what());
      continue;
    }
    EpisodeLook one;
    one.name = dataset.name(chosen[i]), one.index = chosen[i], one.steps = e.length();
    for (const float r : e.rewards) one.reward += static_cast<double>(r), reward.add(static_cast<double>(r));
    one.cost = e.cost();
    one.terminated = e.terminated.back() != 0, one.truncated = e.truncated.back() != 0;
    one.still = e.frames.empty() ? repeats(e.vectors, numbers) : repeats(e.frames, e.frame_bytes());
    std::size_t hash = e.length();
    hash_into(hash, e.frames), hash_into(hash, e.vectors), hash_into(hash, e.actions);
    const auto [twin, fresh] = known.try_emplace(hash, one.name);
    if (!fresh) one.twin = twin->second;
    for (std::size_t k = 0; k < e.vectors.size(); ++k) vector[k % numbers].add(static_cast<double>(e.vectors[k]));
    for (std::size_t k = 0; k < e.actions.size(); ++k) {
      actions[k % axes].add(static_cast<double>(e.actions[k]));
      done[k % axes].push_back(e.actions[k]);
    }
    look.episodes.push_back(std::move(one));
    if (progress && !progress(static_cast<double>(i + 1) / static_cast<double>(chosen.size()))) break;
  }
  for (std::size_t k = 0; k < numbers; ++k) look.vector.push_back(vector[k].spread(spaces.vector_names[k]));
  look.reward = reward.spread("reward");
  if (spaces.action.discrete()) {
    look.choices.assign(spaces.action.choices.size(), 0);
    for (const float a : done[0]) ++look.choices[static_cast<std::size_t>(a)];
    look.coverage = evenness(look.choices);
    for (double& share : look.choices) share /= std::max<double>(1, static_cast<double>(done[0].size()));
    return look;
  }
  for (std::size_t k = 0; k < axes; ++k) {
    look.actions.push_back(actions[k].spread(spaces.action.axes[k]));
    const double low = actions[k].low, width = actions[k].high - low;
    std::vector<double> counts(parts, 0);
    for (const float a : done[k])
      ++counts[width > 0 ? std::min(parts - 1, static_cast<std::size_t>((static_cast<double>(a) - low) / width * parts)) : 0];
    look.coverage += evenness(counts) / static_cast<double>(axes);
  }
  return look;
}

ThumbnailSheet thumbnails(const Dataset& dataset, std::size_t rows, std::size_t columns, int side) {
  ThumbnailSheet sheet;
  const auto& spaces = dataset.info().spaces;
  if (spaces.image_bytes() == 0 || dataset.episodes() == 0) return sheet;
  constexpr int gap = 2;
  const auto chosen = evenly(dataset.episodes(), rows);
  const int channels = spaces.image_channels, high = std::max(1, side * spaces.image_height / spaces.image_width);
  sheet.width = static_cast<int>(columns) * (side + gap) - gap, sheet.height = static_cast<int>(chosen.size()) * (high + gap) - gap;
  sheet.rgb.assign(static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height) * 3, 24);
  Resizer resize(spaces.image_height, spaces.image_width, channels, high, side);
  std::vector<std::uint8_t> small(static_cast<std::size_t>(high) * static_cast<std::size_t>(side) * static_cast<std::size_t>(channels));
  for (std::size_t row = 0; row < chosen.size(); ++row) {
    Episode e;
    try {
      e = dataset.read(chosen[row]);
    } catch (const Error&) {
      continue;  // its row stays dark
    }
    for (std::size_t column = 0; column < columns; ++column) {
      const auto frame = columns > 1 ? column * e.length() / (columns - 1) : 0;
      resize(e.frames.data() + frame * e.frame_bytes(), e.width, small.data());
      for (int y = 0; y < high; ++y) {
        for (int x = 0; x < side; ++x) {
          const auto* from = small.data() + (y * side + x) * channels;
          auto* to = sheet.rgb.data() + ((static_cast<int>(row) * (high + gap) + y) * sheet.width + static_cast<int>(column) * (side + gap) + x) * 3;
          for (int c = 0; c < 3; ++c) to[c] = from[channels >= 3 ? c : 0];
        }
      }
    }
  }
  return sheet;
}

}  // namespace dream
