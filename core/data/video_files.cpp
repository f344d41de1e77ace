// Videos as datasets: docs/data.md says by which rules.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "api/error.h"
#include "core/config/config.h"
#include "core/data/dataset_files.h"
#include "core/data/video_reader.h"
#include "core/data/video_table.h"
#include "core/env/env.h"

namespace dream {
namespace {

constexpr std::array video_endings = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv"};
constexpr const char* video_settings = "videos.toml";
constexpr std::size_t most_looked_at = 10000;  // entries of a folder, by which it is judged

std::string lower_ending(const std::filesystem::path& path) {
  auto ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return ending;
}

bool is_video_name(const std::filesystem::path& path) {
  return std::ranges::find(video_endings, lower_ending(path)) != video_endings.end() && !path.filename().string().starts_with('.');
}

/// videos.toml beside the videos.
struct VideoSettings {
  std::int64_t size = 64, longest = 1000, choices = 0;
  double rate = 0;
  std::string fit = "middle", environment;

  explicit VideoSettings(const std::filesystem::path& folder) {
    Config config;
    config.add("size", size, {.help = "Pixels of a side of the square that a frame becomes", .low = 8, .high = 256});
    config.add("fit", fit, {.help = "A frame's middle square, or all of it, stretched", .choices = {"middle", "stretch"}});
    config.add("rate", rate, {.help = "Frames a second, at most; 0: every frame", .low = 0, .high = 1000});
    config.add("longest", longest, {.help = "Steps of an episode, at most: longer videos are cut", .low = 1, .high = 100000});
    config.add("choices", choices, {.help = "How many choices there are; 0: those up to the highest in the tables", .low = 0, .high = 65536});
    config.add("environment", environment, {.help = "The world that is seen; empty: what the folder is called"});
    std::error_code code;
    if (const auto file = folder / video_settings; std::filesystem::exists(file, code)) config.load(file);
  }
};

class VideoFiles : public DatasetFiles {
 public:
  VideoFiles(const std::filesystem::path& path, Damage damage)
      : folder_(std::filesystem::is_directory(path) ? path : path.parent_path()), settings_(folder_) {
    if (const auto why = why_no_videos(); !why.empty()) throw Error("'" + path.string() + "' is of videos; " + why + ".");
    const bool folder = std::filesystem::is_directory(path);
    std::vector<std::filesystem::path> files;
    if (folder) {
      for (const auto& entry : std::filesystem::directory_iterator(path))
        if (is_video_name(entry.path()) && entry.is_regular_file()) files.push_back(entry.path());
      std::ranges::sort(files);
    } else {
      files = {path};
    }
    for (const auto& file : files) ++stems_[file.stem().string()];
    float highest = -1;
    for (const auto& file : files) {
      try {
        auto clip = clip_of(file);
        if (clips_.empty()) take_columns(clip);
        check_columns(clip);
        if (clip.table && clip.table->discrete()) highest = std::max(highest, std::ranges::max(clip.table->actions));
        tell_what_is_cut(clip);
        clips_.push_back(std::move(clip));
        add_episodes();
      } catch (const Error& error) {
        if (damage == Damage::refuse) throw;
        skipped.emplace_back(error.what());
      }
    }
    if (clips_.empty()) throw Error("'" + path.string() + "' holds no video that can be read" + (skipped.empty() ? "." : "; " + skipped.front()));
    const auto whole = std::filesystem::absolute(path).lexically_normal();
    info.environment = !settings_.environment.empty() ? settings_.environment : (whole.has_filename() ? whole : whole.parent_path()).stem().string();
    info.policy = "unknown";
    auto& spaces = info.spaces;
    spaces.image_height = spaces.image_width = static_cast<int>(settings_.size), spaces.image_channels = 3;
    const double seen = clips_.front().index.rate();
    if (const double rate = settings_.rate > 0 && (seen == 0 || settings_.rate < seen) ? settings_.rate : seen; rate > 0)
      spaces.natural_rate = static_cast<float>(rate);
    set_actions(static_cast<std::int64_t>(highest));
  }

  Episode read(std::size_t index) const override {
    const auto& place = places_[index];
    const auto& clip = clips_[place.clip];
    Episode e;
    e.height = e.width = static_cast<int>(settings_.size), e.channels = 3;
    e.action_size = static_cast<int>(info.spaces.action.size());
    const std::span kept(clip.kept.data() + place.first, place.steps + 1);
    e.frames.resize(kept.size() * e.frame_bytes());
    {
      const std::lock_guard lock(guard_);
      if (!reader_ || reader_->file() != clip.file)
        reader_.emplace(clip.file, clip.index, VideoLook{static_cast<int>(settings_.size), settings_.fit == "middle"});
      try {
        reader_->read(kept, e.frames.data());
      } catch (const Error&) {
        reader_.reset();
        throw;
      }
    }
    e.rewards.assign(place.steps, 0);
    e.terminated.assign(place.steps, 0), e.truncated.assign(place.steps, 0);
    if (clip.table) add_lines(*clip.table, kept, e);
    if (!e.terminated.back()) e.truncated.back() = 1;
    return e;
  }

 private:
  struct Clip {
    std::filesystem::path file;
    VideoIndex index;
    std::optional<VideoTable> table;
    std::vector<std::int64_t> kept;  // frames, by the rate that is asked for
  };
  struct Stretch {  // an episode: kept frames [first, first + steps]
    std::size_t clip = 0, first = 0, steps = 0;
  };

  Clip clip_of(const std::filesystem::path& file) const {
    Clip clip{file, index_video(file), {}, {}};
    auto beside = file;
    beside.replace_extension(".csv");
    if (std::error_code code; std::filesystem::exists(beside, code)) clip.table = read_video_table(beside, clip.index.frames());
    // The first frame of every 1 / rate seconds; rounding must not tell a clip's second frame from its first by a hair.
    double last = -1;
    for (std::size_t i = 0; i < clip.index.frames(); ++i) {
      const double part = settings_.rate > 0 ? std::floor(clip.index.time(i) * settings_.rate + 1e-6) : static_cast<double>(i);
      if (part > last) clip.kept.push_back(static_cast<std::int64_t>(i));
      last = std::max(last, part);
    }
    if (clip.kept.size() < 2)
      throw Error("'" + file.string() + "' has " + std::to_string(clip.kept.size()) + " frame" + (settings_.rate > 0 ? " at the rate of " + std::string(video_settings) : std::string()) +
                  "; two or more were expected.");
    return clip;
  }

  void take_columns(const Clip& clip) {
    left_out.clear();  // of one before it that was left out itself
    acting_ = clip.table.has_value();
    if (!acting_) return;
    axes_ = clip.table->axes;
    for (const auto& name : clip.table->left_out) left_out.push_back(name + ": a column of " + clip.file.stem().string() + ".csv");
  }

  void check_columns(const Clip& clip) {
    const auto table = [](const std::filesystem::path& file) { return file.stem().string() + ".csv"; };
    if (clip.table.has_value() != acting_) {
      const auto& with = acting_ ? clips_.front().file : clip.file;
      const auto& without = acting_ ? clip.file : clips_.front().file;
      throw Error("'" + without.string() + "' has no actions (" + table(without) + ") beside it, and " + with.filename().string() + " has " + table(with) +
                  "; actions for all videos of a folder or for none were expected.");
    }
    if (acting_) {
      const auto text = [](const std::vector<std::string>& axes) {
        std::string all;
        for (const auto& axis : axes) all += (all.empty() ? "'" : ", '") + axis + "'";
        return all.empty() ? std::string("choices ('action')") : all;
      };
      auto csv = clip.file;
      csv.replace_extension(".csv");
      if (clip.table->axes != axes_)
        throw Error("'" + csv.string() + "', line 1: its actions are " + text(clip.table->axes) + ", and those of " + table(clips_.front().file) + " are " +
                    text(axes_) + "; the same columns were expected.");
      const auto& done = clip.table->actions;
      const auto past = std::ranges::find_if(done, [&](float a) { return a >= static_cast<float>(settings_.choices); });
      if (clip.table->discrete() && settings_.choices > 0 && past != done.end())
        throw Error("'" + csv.string() + "', frame " + std::to_string(past - done.begin()) + ", column 'action': choice " + std::to_string(static_cast<int>(*past)) +
                    " was found, and " + video_settings + " names " + std::to_string(settings_.choices) + " choices, from 0 on.");
    }
  }

  void tell_what_is_cut(const Clip& clip) {
    const auto [width, height] = std::pair(clip.index.width, clip.index.height);
    if (width == height || settings_.fit != "middle" || !cut_.insert({width, height}).second || cut_.size() > 8) return;
    left_out.push_back("of pictures of " + std::to_string(width) + " × " + std::to_string(height) + " what lies beside their middle square");
  }

  /// Of the last clip: where its table says that one ended, and else of about equal lengths.
  void add_episodes() {
    const auto& clip = clips_.back();
    std::vector<Stretch> found;
    const auto cut = [&](std::size_t first, std::size_t last) {
      const auto all = last - first, parts = (all + static_cast<std::size_t>(settings_.longest) - 1) / static_cast<std::size_t>(settings_.longest);
      for (std::size_t i = 0; i < parts; ++i) {
        const auto begin = all * i / parts, end = all * (i + 1) / parts;
        found.push_back({clips_.size() - 1, first + begin, end - begin});
      }
    };
    std::size_t first = 0;
    for (std::size_t i = 0; i + 1 < clip.kept.size(); ++i) {
      if (i < first || !ends_after(clip, i)) continue;
      cut(first, i + 1);
      first = i + 2;
    }
    if (first + 1 < clip.kept.size()) cut(first, clip.kept.size() - 1);
    for (const auto& one : found) {
      const auto stem = clip.file.stem().string();
      names.push_back((stems_[stem] > 1 ? clip.file.filename().string() : stem) + (found.size() > 1 ? "@" + std::to_string(clip.kept[one.first]) : ""));
      steps += static_cast<std::int64_t>(one.steps);
      places_.push_back(one);
    }
  }

  /// Whether the episode ended on the way from the i-th kept frame to the one after it.
  static bool ends_after(const Clip& clip, std::size_t i) {
    if (!clip.table || clip.table->terminated.empty()) return false;
    const auto& said = clip.table->terminated;
    return std::any_of(said.begin() + clip.kept[i], said.begin() + clip.kept[i + 1], [](std::uint8_t v) { return v != 0; });
  }

  /// The action where a kept frame is seen; rewards and costs of it and of what is left out behind it.
  static void add_lines(const VideoTable& table, std::span<const std::int64_t> kept, Episode& e) {
    const auto steps = kept.size() - 1, width = table.action_size();
    e.actions.resize(steps * width);
    auto* costs = table.costs.empty() ? nullptr : &e.extra[cost_column];
    if (costs) costs->values.assign(steps, 0);
    for (std::size_t t = 0; t < steps; ++t) {
      std::copy_n(table.actions.begin() + kept[t] * static_cast<std::ptrdiff_t>(width), width, e.actions.begin() + static_cast<std::ptrdiff_t>(t * width));
      for (auto line = static_cast<std::size_t>(kept[t]); line < static_cast<std::size_t>(kept[t + 1]); ++line) {
        if (!table.rewards.empty()) e.rewards[t] += table.rewards[line];
        if (costs) costs->values[t] += table.costs[line];
        if (!table.terminated.empty() && table.terminated[line]) e.terminated[t] = 1;
      }
    }
  }

  void set_actions(std::int64_t highest) {
    auto& action = info.spaces.action;
    if (!acting_) return;
    if (axes_.empty()) {
      for (std::int64_t i = 0; i < std::max(settings_.choices, highest + 1); ++i) action.choices.push_back(std::to_string(i));
    }
    action.axes = axes_;
    constexpr float endless = std::numeric_limits<float>::infinity();
    action.low.assign(axes_.size(), -endless), action.high.assign(axes_.size(), endless);
    action.idle.assign(action.size(), 0);
    info.spaces.costs = std::ranges::any_of(clips_, [](const Clip& clip) { return clip.table && !clip.table->costs.empty(); });
  }

  std::filesystem::path folder_;
  VideoSettings settings_;
  std::vector<Clip> clips_;
  std::vector<Stretch> places_;
  std::vector<std::string> axes_;  // with actions: of all tables
  bool acting_ = false;
  std::set<std::pair<int, int>> cut_;  // sizes of pictures
  std::map<std::string, int> stems_;   // how many videos are called so: a name is one episode's alone
  mutable std::mutex guard_;
  mutable std::optional<VideoReader> reader_;  // of the video that was read last
};

}  // namespace

bool is_video(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code)) return is_video_name(path);
  if (!std::filesystem::is_directory(path, code)) return false;
  std::size_t videos = 0, others = 0;
  for (std::filesystem::directory_iterator entry(path, code), end; entry != end && videos + others < most_looked_at; entry.increment(code)) {
    const auto& file = entry->path();
    if (is_video_name(file)) {
      ++videos;
    } else if (const auto ending = lower_ending(file);
               ending != ".csv" && ending != ".toml" && !file.filename().string().starts_with('.') && entry->is_regular_file(code)) {
      ++others;
    }
  }
  return videos > others;
}

std::unique_ptr<DatasetFiles> open_videos(const std::filesystem::path& path, Damage damage) {
  return std::make_unique<VideoFiles>(path, damage);
}

}  // namespace dream
