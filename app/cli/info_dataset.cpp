#include "app/cli/info_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "answers/png.h"
#include "api/error.h"
#include "app/program.h"
#include "core/base/durable_file.h"
#include "core/data/dataset_look.h"
#include "core/data/held_out_label.h"

namespace dream::cli {
namespace {

constexpr std::size_t most_read = 200, most_numbers = 32, most_told = 10;
constexpr std::size_t sheet_rows = 8, sheet_columns = 12;
constexpr int sheet_side = 96;

void say(const char* key, const std::string& text) {
  std::printf("%-12s %s\n", key, printable(text).c_str());
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string spread(const Spread& s) {
  return number(s.low) + " to " + number(s.high) + ", mean " + number(s.mean) + " ± " + number(s.deviation);
}

void print_episodes(const DatasetLook& look) {
  Spread reward, length;
  double still = 0, frames = 0;
  std::size_t terminated = 0, truncated = 0;
  std::vector<std::string> constant, twins;
  const auto sum_up = [&](const auto& of) {
    Spread s{"", of(look.episodes[0]), of(look.episodes[0])};
    for (const auto& e : look.episodes) s.low = std::min(s.low, of(e)), s.high = std::max(s.high, of(e)), s.mean += of(e) / static_cast<double>(look.episodes.size());
    for (const auto& e : look.episodes) s.deviation += (of(e) - s.mean) * (of(e) - s.mean) / static_cast<double>(look.episodes.size());
    s.deviation = std::sqrt(s.deviation);
    return s;
  };
  for (const auto& e : look.episodes) {
    terminated += e.terminated, truncated += e.truncated && !e.terminated;
    still += static_cast<double>(e.still), frames += static_cast<double>(e.steps);
    if (e.still == e.steps) constant.push_back(e.name);
    if (!e.twin.empty()) twins.push_back(e.name + " is " + e.twin + " again");
  }
  say("returns", spread(sum_up([](const EpisodeLook& e) { return e.reward; })));
  say("lengths", spread(sum_up([](const EpisodeLook& e) { return static_cast<double>(e.steps); })));
  say("ends", std::to_string(terminated) + " terminated, " + std::to_string(truncated) + " truncated");
  say("still", number(100 * still / std::max(1.0, frames)) + " % of steps change nothing that is seen");
  const auto tell = [](const char* key, const std::vector<std::string>& all) {
    for (std::size_t i = 0; i < std::min(all.size(), most_told); ++i) say(key, all[i]);
    if (all.size() > most_told) say(key, "and " + std::to_string(all.size() - most_told) + " more");
  };
  tell("constant", constant);
  tell("duplicate", twins);
}

void print_numbers(const char* key, const std::vector<Spread>& all) {
  for (std::size_t i = 0; i < std::min(all.size(), most_numbers); ++i) say(key, all[i].name + ": " + spread(all[i]));
  if (all.size() > most_numbers) say(key, "and " + std::to_string(all.size() - most_numbers) + " more");
}

void write_sheet(const Dataset& dataset, const std::string& file) {
  const auto sheet = thumbnails(dataset, sheet_rows, sheet_columns, sheet_side);
  if (sheet.rgb.empty()) throw Error(std::string("this dataset holds no ") + (dataset.episodes() == 0 ? "episodes" : "pictures") + ", so there is no sheet of them");
  write_file(file, png_bytes(sheet.width, sheet.height, sheet.rgb));
  say("sheet", file);
}

/// How many of the dataset's episodes are held out, of those that `look` has read where it has read `all`. Labels of what is not
/// there are told among what is damaged.
std::size_t held_out_there(const Dataset& dataset, const std::filesystem::path& path, bool all, DatasetLook& look) {
  const auto labels = held_out_of(path);
  auto vain = labels;
  for (std::size_t i = 0; i < dataset.episodes(); ++i) vain.erase(dataset.name(i));
  if (!vain.empty())
    look.damaged.push_back("'" + held_out_file(path).string() + "', 'held_out': it names '" + *vain.begin() + "'" +
                           (vain.size() > 1 ? " and " + std::to_string(vain.size() - 1) + " more" : "") + ", and no such episode can be read");
  if (!all) return labels.size() - vain.size();
  return static_cast<std::size_t>(std::ranges::count_if(look.episodes, [&](const EpisodeLook& e) { return labels.contains(e.name); }));
}

}  // namespace

void print_dataset(const std::filesystem::path& path, const std::string& sheet) {
  if (!sheet.empty()) check_destination(sheet);  // before all of it is read
  const Dataset dataset(path, Damage::skip);
  const auto& info = dataset.info();
  say("dataset", path.string());
  say("environment", info.environment);
  say("policy", info.policy);
  auto look = look_at(dataset, most_read);
  const bool all = dataset.episodes() <= most_read;  // of them then only those count that could be read
  const auto lengths = [](std::int64_t sum, const EpisodeLook& e) { return sum + static_cast<std::int64_t>(e.steps); };
  std::printf("episodes     %zu\nsteps        %lld\n", all ? look.episodes.size() : dataset.episodes(),
              static_cast<long long>(all ? std::accumulate(look.episodes.begin(), look.episodes.end(), std::int64_t{0}, lengths) : dataset.steps()));
  const bool skips = !look.damaged.empty();
  try {
    if (const auto held_out = held_out_there(dataset, path, all, look); held_out > 0)
      say("held out", std::to_string(held_out) + " of them: nothing learns from these");
  } catch (const Error& error) {
    look.damaged.emplace_back(error.what());
  }
  if (info.spaces.image_bytes() > 0) {
    std::printf("picture      %d × %d × %d, uint8\n", info.spaces.image_height, info.spaces.image_width,
                info.spaces.image_channels);
  }
  if (info.spaces.states > 0) {
    std::printf("vector       1 value, which of %d states\n", info.spaces.states);
  } else if (!info.spaces.vector_names.empty()) {
    std::printf("vector       %zu values\n", info.spaces.vector_names.size());
  }
  if (info.spaces.action.discrete()) {
    std::printf("action       one of %zu choices\n", info.spaces.action.choices.size());
  } else if (info.spaces.action.size() > 0) {
    std::printf("action       %zu values\n", info.spaces.action.size());
  } else {
    say("action", "none");
  }
  for (const auto& part : dataset.left_out()) say("left out", part);
  if (!all) std::printf("read         %zu of the episodes, evenly\n", look.episodes.size());
  if (!look.episodes.empty()) {
    print_episodes(look);
    say("reward", spread(look.reward));
    print_numbers("vector", look.vector);
    print_numbers("action", look.actions);
    for (std::size_t i = 0; i < std::min(look.choices.size(), most_numbers); ++i)
      say("action", info.spaces.action.choices[i] + ": " + number(100 * look.choices[i]) + " %");
    if (info.spaces.action.size() > 0) say("coverage", number(look.coverage) + " of the most that actions can vary");
  }
  for (const auto& sentence : look.damaged) say("damaged", sentence);
  if (!sheet.empty()) write_sheet(dataset, sheet);
  if (look.damaged.empty()) return;
  if (look.episodes.empty()) throw Error(path.string() + ": no episode of it can be read");
  throw Error(path.string() + " is damaged in " + (look.damaged.size() == 1 ? "one place" : std::to_string(look.damaged.size()) + " places") +
              (look.damaged.size() == 1 ? ", which is named above" : ", which are named above") + (skips ? "; train.skip_damaged=true learns from the rest" : ""));
}

}  // namespace dream::cli
