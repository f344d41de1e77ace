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

struct DatasetLooker::Parts {
  DatasetInfo info;
  std::vector<EpisodeLook> episodes;
  std::vector<Running> vector, actions;
  Running reward;
  std::vector<std::vector<float>> done;  // what was done, axis by axis
  std::map<std::size_t, std::string> known;
};

DatasetLooker::DatasetLooker(DatasetInfo info) : parts_(std::make_unique<Parts>()) {
  parts_->vector.resize(info.spaces.vector_names.size());
  parts_->actions.resize(info.spaces.action.size()), parts_->done.resize(info.spaces.action.size());
  parts_->info = std::move(info);
}
DatasetLooker::~DatasetLooker() = default;

const EpisodeLook& DatasetLooker::add(const std::string& name, std::size_t index, const Episode& e) {
  auto& p = *parts_;
  const auto numbers = p.vector.size(), axes = p.actions.size();
  EpisodeLook one;
  one.name = name, one.index = index, one.steps = e.length();
  for (const float r : e.rewards) one.reward += static_cast<double>(r), p.reward.add(static_cast<double>(r));
  one.cost = e.cost();
  one.terminated = e.ended() && e.terminated.back() != 0, one.truncated = e.ended() && e.truncated.back() != 0;
  one.still = e.frames.empty() ? repeats(e.vectors, numbers) : repeats(e.frames, e.frame_bytes());
  std::size_t hash = e.length();
  hash_into(hash, e.frames), hash_into(hash, e.vectors), hash_into(hash, e.actions);
  const auto [twin, fresh] = p.known.try_emplace(hash, one.name);
  if (!fresh) one.twin = twin->second;
  for (std::size_t k = 0; numbers > 0 && k < e.vectors.size(); ++k) p.vector[k % numbers].add(static_cast<double>(e.vectors[k]));
  for (std::size_t k = 0; axes > 0 && k < e.actions.size(); ++k) {
    p.actions[k % axes].add(static_cast<double>(e.actions[k]));
    p.done[k % axes].push_back(e.actions[k]);
  }
  return p.episodes.emplace_back(std::move(one));
}

DatasetLook DatasetLooker::look() const {
  const auto& p = *parts_;
  const auto& spaces = p.info.spaces;
  DatasetLook look;
  look.episodes = p.episodes;
  for (std::size_t k = 0; k < p.vector.size(); ++k) look.vector.push_back(p.vector[k].spread(spaces.vector_names[k]));
  look.reward = p.reward.spread("reward");
  const auto shares = [](std::vector<double> counts, std::size_t all) {
    for (double& count : counts) count /= std::max<double>(1, static_cast<double>(all));
    return counts;
  };
  if (spaces.action.discrete()) {
    std::vector<double> counts(spaces.action.choices.size(), 0);
    for (const float a : p.done[0]) ++counts[std::min(counts.size() - 1, static_cast<std::size_t>(a))];
    look.coverage = evenness(counts);
    look.choices = shares(std::move(counts), p.done[0].size());
    return look;
  }
  const auto axes = p.actions.size();
  for (std::size_t k = 0; k < axes; ++k) {
    look.actions.push_back(p.actions[k].spread(spaces.action.axes[k]));
    const double low = p.actions[k].low, width = p.actions[k].high - low;
    std::vector<double> counts(parts, 0);
    for (const float a : p.done[k])
      ++counts[width > 0 ? std::min(parts - 1, static_cast<std::size_t>((static_cast<double>(a) - low) / width * parts)) : 0];
    look.coverage += evenness(counts) / static_cast<double>(axes);
    look.parts.push_back(shares(std::move(counts), p.done[k].size()));
  }
  return look;
}

DatasetLook look_at(const Dataset& dataset, std::size_t most, const std::function<bool(double)>& progress) {
  DatasetLooker looker(dataset.info());
  auto damaged = dataset.skipped();
  const auto chosen = evenly(dataset.episodes(), most);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    try {
      looker.add(dataset.name(chosen[i]), chosen[i], dataset.read(chosen[i]));
    } catch (const Error& error) {
      damaged.emplace_back(error.what());
      continue;
    }
    if (progress && !progress(static_cast<double>(i + 1) / static_cast<double>(chosen.size()))) break;
  }
  auto look = looker.look();
  look.damaged = std::move(damaged);
  return look;
}

Shrinker::Shrinker(const Spaces& spaces, int width)
    : width_(width),
      height_(std::max(1, width * spaces.image_height / std::max(1, spaces.image_width))),
      channels_(spaces.image_channels),
      resize_(spaces.image_height, spaces.image_width, channels_, height_, width_),
      small_(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * static_cast<std::size_t>(channels_)) {}

std::vector<std::uint8_t> Shrinker::operator()(const Episode& e, std::size_t frame) {
  resize_(e.frames.data() + frame * e.frame_bytes(), e.width, small_.data());
  const auto pixels = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_), channels = static_cast<std::size_t>(channels_);
  std::vector<std::uint8_t> rgb(pixels * 3);
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = small_[i / 3 * channels + (channels >= 3 ? i % 3 : 0)];
  return rgb;
}

ThumbnailSheet thumbnails(const Dataset& dataset, std::size_t rows, std::size_t columns, int side) {
  ThumbnailSheet sheet;
  const auto& spaces = dataset.info().spaces;
  if (spaces.image_bytes() == 0 || dataset.episodes() == 0) return sheet;
  constexpr int gap = 2;
  const auto chosen = evenly(dataset.episodes(), rows);
  Shrinker shrink(spaces, side);
  const int high = shrink.height();
  sheet.width = static_cast<int>(columns) * (side + gap) - gap, sheet.height = static_cast<int>(chosen.size()) * (high + gap) - gap;
  sheet.rgb.assign(static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height) * 3, 24);
  for (std::size_t row = 0; row < chosen.size(); ++row) {
    Episode e;
    try {
      e = dataset.read(chosen[row]);
    } catch (const Error&) {
      continue;  // its row stays dark
    }
    for (std::size_t column = 0; column < columns; ++column) {
      const auto frame = columns > 1 ? column * e.length() / (columns - 1) : 0;
      const auto small = shrink(e, frame);
      for (int y = 0; y < high; ++y)
        std::copy_n(small.data() + y * side * 3, side * 3,
                    sheet.rgb.data() + ((static_cast<int>(row) * (high + gap) + y) * sheet.width + static_cast<int>(column) * (side + gap)) * 3);
    }
  }
  return sheet;
}

}  // namespace dream
