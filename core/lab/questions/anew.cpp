#include <algorithm>
#include <atomic>
#include <cmath>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/lab/questions/questions.h"
#include "core/lab/statistics.h"

namespace dream {
namespace {
namespace anew {

constexpr std::size_t episodes_shown = 30, most_lives = 30;  // of a life, and lives with each value
constexpr double most_steps = 60000;                         // of a life: who never finds out is given up
constexpr double near_best = 1.5;                            // so much longer than the shortest counts as found out

std::string lacks_haste(const System& system) {
  return system.vary.key.empty() ? "this system takes too long to learn for learning anew while somebody waits" : "";
}

/// Where a life's episodes are written; they go with it.
class Scratch {
 public:
  Scratch() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() /
            ("dreamscope-anew-" + std::to_string(std::llround(now_seconds() * 1e6)) + "-" + std::to_string(++count));
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::vector<double> lengths_of(const System& system) {
  for (const auto& curve : system.metrics.views(nullptr))
    if (curve.name == "learn/episode_length") return curve.y;
  return {};
}

/// The lengths of the first episodes of a system that knows nothing yet, learning with `value`.
std::vector<double> live(Inquiry& inquiry, double value, std::size_t seed, double from, double to) {
  const auto& given = inquiry.system();
  const Scratch folder;
  RunSpec spec;
  spec.recipe = given.recipe, spec.environment = given.environment;
  spec.directory = folder.path();
  spec.toml = given.config.to_toml(), spec.toml_origin = "this run's settings";
  spec.settings = {given.vary.key + "=" + std::to_string(std::llround(value)), "seed=" + std::to_string(1000 + seed),
                   "train.steps=" + std::to_string(std::llround(most_steps))};
  const auto system = make_system(spec);
  auto& phase = *system->phases.front();
  const auto doing = given.vary.key + " = " + in_figures(value) + ", life " + std::to_string(seed + 1);
  phase.begin();
  std::vector<double> lengths;
  double looked = now_seconds();
  while (phase.progress() < 1 && lengths.size() < episodes_shown) {
    phase.step();
    if (now_seconds() - looked < 0.1) continue;
    looked = now_seconds();
    lengths = lengths_of(*system);
    inquiry.at(from + (to - from) * static_cast<double>(lengths.size()) / episodes_shown, doing);
  }
  phase.end();
  lengths = lengths_of(*system);
  lengths.resize(std::min(lengths.size(), episodes_shown));
  return lengths;
}

/// The episode, from 1, from which on it has found out; one more than were lived where it never has.
double found_out(const std::vector<double>& lengths, double best) {
  const auto at = std::ranges::find_if(lengths, [&](double length) { return length <= near_best * best; });
  return static_cast<double>(at - lengths.begin() + 1);
}

struct Lives {
  double value = 0;
  std::vector<std::vector<double>> lengths;  // of each life
};

void fill(const std::string& title, const std::vector<Lives>& all, LabAnswer& answer) {
  double best = 1e300;
  std::size_t longest = 0;
  for (const auto& lives : all)
    for (const auto& life : lives.lengths) {
      longest = std::max(longest, life.size());
      for (const double length : life) best = std::min(best, length);
    }
  Curve pace, learning;
  pace.x_unit = title, pace.y_unit = "episodes";
  learning.x_unit = "episode", learning.y_unit = "steps", learning.log_y = true;
  for (std::size_t i = 1; i <= longest; ++i) learning.x.push_back(static_cast<double>(i));
  Line needed{"until it has found out", {}};
  answer.numbers.clear();
  answer.episodes = 0;
  for (const auto& lives : all) {
    std::vector<double> episodes;
    for (const auto& life : lives.lengths) {
      episodes.push_back(found_out(life, best));
      answer.episodes += static_cast<std::int64_t>(life.size());
    }
    const auto interval = bootstrap_mean(episodes);
    pace.x.push_back(lives.value);
    needed.y.push_back(interval.value), needed.low.push_back(interval.low), needed.high.push_back(interval.high);
    answer.numbers.push_back(number("with_" + in_figures(lives.value), title + " = " + in_figures(lives.value), "episodes", interval,
                                    "until an episode is at most 1.5 times as long as the shortest of all, " + in_figures(best) + " steps; " +
                                        std::to_string(episodes.size()) + " lives"));
    Line line{title + " = " + in_figures(lives.value), {}};
    for (std::size_t i = 0; i < longest; ++i) {
      std::vector<double> there;
      for (const auto& life : lives.lengths)
        if (i < life.size()) there.push_back(life[i]);
      line.y.push_back(mean_of(there));
    }
    learning.lines.push_back(std::move(line));
  }
  pace.lines = {needed};
  answer.figures = {figure("pace", "How soon it finds out", "Episodes until one is nearly as short as can be, over the setting; mean of all lives with its 95 % interval", pace),
                    figure("learning", "How long episodes are", "Steps of the first episodes, mean of all lives", learning)};
  const auto [fast, slow] = std::ranges::minmax_element(needed.y);
  answer.sentence = "With " + title + " = " + in_figures(pace.x[static_cast<std::size_t>(fast - needed.y.begin())]) + " it has found out after " +
                    in_figures(*fast) + " episodes, with " + in_figures(pace.x[static_cast<std::size_t>(slow - needed.y.begin())]) + " after " +
                    in_figures(*slow) + ".";
}

void ask_anew(Inquiry& inquiry, LabAnswer& answer) {
  const auto& system = inquiry.system();
  std::string title = system.vary.key;
  for (const auto& field : system.config.fields())
    if (field.key == system.vary.key && !field.title.empty()) title = field.title;
  std::vector<Lives> all;
  for (const double value : system.vary.values) all.push_back({value, {}});
  const auto count = static_cast<double>(most_lives * all.size());
  double last = 0;
  for (std::size_t life = 0; life < most_lives && (life == 0 || inquiry.time_for(last)); ++life) {
    const double began = inquiry.elapsed();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double done = static_cast<double>(life * all.size() + i) / count;
      all[i].lengths.push_back(live(inquiry, all[i].value, life, done, done + 1 / count));
    }
    fill(title, all, answer);
    inquiry.show(answer);
    last = inquiry.elapsed() - began;
  }
}

}  // namespace anew
}  // namespace

Question question_anew() {
  return {"anew", "What if it learned anew?",
          "Lives from nothing, with other values of the setting that this system is about: how soon each finds out.",
          anew::lacks_haste, anew::ask_anew};
}

}  // namespace dream
