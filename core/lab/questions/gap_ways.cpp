// Each way to act where it was found, and outside: the table of "World Models" about the temperature.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/engine/lanes.h"
#include "core/engine/population.h"
#include "core/engine/seeds.h"
#include "core/lab/questions/gap.h"
#include "core/nn/generator.h"

namespace dream::gap {
namespace {

constexpr std::int64_t most_real_lanes = 20, usual_steps = 1000, start_states = 64;
constexpr std::uint64_t asleep = 3300, awake = 3400, first_states = 3500;

std::vector<double> rewards_of(const std::vector<Population::Result>& results, std::size_t first, std::size_t count) {
  std::vector<double> rewards;
  for (std::size_t i = first; i < first + count; ++i) rewards.push_back(results[i].reward);
  return rewards;
}

void play(Inquiry& inquiry, Population& population, const std::string& doing, double from, double to) {
  while (!population.finished()) {
    inquiry.at(from + (to - from) * population.progress(), doing);
    population.tick();
  }
}

}  // namespace

Ways ways_of(const System& system) {
  Ways ways;
  if (!system.behaviour || !system.model) return ways;
  ways.all = system.behaviour->ways();
  ways.dreamt.resize(ways.all.size()), ways.real.resize(ways.all.size());
  return ways;
}

void measure(Inquiry& inquiry, Ways& ways, std::size_t more, double from, double to) {
  torch::NoGradGuard no_grad;
  auto& system = inquiry.system();
  const auto first = ways.episodes(), count = ways.all.size();
  const auto spaces = system.make_env()->spaces();
  ways.steps = spaces.max_episode_steps > 0 ? spaces.max_episode_steps : usual_steps;
  std::vector<std::uint64_t> seeds;
  for (std::size_t i = 0; i < more; ++i) seeds.push_back(first_evaluation_seed + first + i);
  const Population::Options options{.max_steps = ways.steps};
  const auto share = [&](std::size_t way) { return from + (to - from) * static_cast<double>(way) / static_cast<double>(count + 1); };
  auto rng = inquiry.rng(asleep + 200 + first);
  const auto decide = [&](std::size_t way, Seen seen) {
    seen.knobs = ways.all[way].knobs;
    return system.behaviour->decide(seen, {}, Mode::judge, rng).action;
  };

  std::vector<std::vector<double>> dreamt;
  const auto starts = system.starts.empty() ? starts_in_world(system.model, system.device, system.make_env, start_states, first_states)
                                            : system.starts;
  for (std::size_t way = 0; way < count; ++way) {
    DreamLanes lanes(system.model, starts, static_cast<std::int64_t>(more), ways.steps,
                     together(system.model->knobs(), temperature, ways.all[way].temperature), asleep + 300 * first + way);
    Population dreams([&](const Seen& seen, const torch::Tensor&) { return decide(way, seen); }, lanes, options);
    dreams.begin(1, seeds);
    play(inquiry, dreams, "dreams at " + ways.all[way].name, share(way), share(way + 1));
    dreamt.push_back(rewards_of(dreams.results(), 0, more));
  }

  RealLanes lanes(system.model, system.device, system.make_env,
                  std::min(most_real_lanes, static_cast<std::int64_t>(count * more)), awake + first);
  const auto each_its_own = [&](const Seen& seen, const torch::Tensor& candidate) {
    auto action = decide(0, seen);
    for (std::size_t way = 1; way < count; ++way)
      action = torch::where(candidate.eq(static_cast<std::int64_t>(way)).unsqueeze(1).to(action.device()), decide(way, seen), action);
    return action;
  };
  Population lives(each_its_own, lanes, options);
  lives.begin(static_cast<std::int64_t>(count), seeds);
  play(inquiry, lives, "lives in the real world", share(count), to);
  for (std::size_t way = 0; way < count; ++way) {
    const auto real = rewards_of(lives.results(), way * more, more);
    ways.dreamt[way].insert(ways.dreamt[way].end(), dreamt[way].begin(), dreamt[way].end());
    ways.real[way].insert(ways.real[way].end(), real.begin(), real.end());
  }
}

void tell(const Ways& ways, LabAnswer& answer) {
  const auto n = ways.episodes();
  if (n == 0) return;
  const auto over = "over " + std::to_string(n) + " whole dreams and as many whole episodes, of at most " + std::to_string(ways.steps) + " steps";
  Curve curve;
  curve.x_unit = "\xcf\x84 of the search", curve.y_unit = "return";
  curve.lines = {{"in the dream of that \xcf\x84", {}, false}, {"in reality", {}, true}};
  Table table;
  table.columns = {{"found at", "", "the temperature of the dreams that it was found in"},
                   {"dream", "", "mean return in them", 0}, {"spread", "", "of dreams", 0},
                   {"reality", "", "mean return in the real world", 0}, {"spread", "", "of episodes", 0},
                   {"gap", "", "dream − reality", 0}};
  std::vector<LabNumber> numbers;
  std::size_t best_in_dream = 0, best_outside = 0, cheats = 0;
  for (std::size_t way = 0; way < ways.all.size(); ++way) {
    const auto dreamt = bootstrap_mean(ways.dreamt[way]), real = bootstrap_mean(ways.real[way]);
    const auto add = [](Line& line, const Interval& at) { line.y.push_back(at.value), line.low.push_back(at.low), line.high.push_back(at.high); };
    curve.x.push_back(ways.all[way].temperature);
    add(curve.lines[0], dreamt), add(curve.lines[1], real);
    table.rows.push_back({{ways.all[way].temperature, ways.all[way].name}, {dreamt.value, ""}, {deviation_of(ways.dreamt[way]), ""},
                          {real.value, ""}, {deviation_of(ways.real[way]), ""}, {dreamt.value - real.value, ""}});
    auto told = number("found_" + std::to_string(way), "Found at " + ways.all[way].name, "", real,
                       "its return in reality " + over + ", spread " + in_figures(deviation_of(ways.real[way])) +
                           "; bad: surely below that in the dreams that it was found in, of eight each at least");
    told.beside = {{"in its dreams", dreamt.value}};
    const bool cheat = n >= enough_to_tell && real.high < dreamt.low;
    if (n >= enough_to_tell) told.verdict = cheat ? LabNumber::Verdict::bad : LabNumber::Verdict::good;
    cheats += cheat;
    if (dreamt.value > mean_of(ways.dreamt[best_in_dream])) best_in_dream = way;
    if (real.value > mean_of(ways.real[best_outside])) best_outside = way;
    numbers.push_back(std::move(told));
  }
  if (!std::isfinite(curve.lines[0].low.front()))
    for (auto& line : curve.lines) line.low.clear(), line.high.clear();
  const auto mean = [](const std::vector<double>& each) { return in_figures(mean_of(each)); };
  auto sentence = "Of " + std::to_string(ways.all.size()) + " ways to act, each found in dreams, that of " + ways.all[best_in_dream].name +
                  " earns most in its own, " + mean(ways.dreamt[best_in_dream]) + ", and " + mean(ways.real[best_in_dream]) + " in reality";
  sentence += best_outside == best_in_dream ? ", where it is the best as well"
                                            : "; there that of " + ways.all[best_outside].name + " is the best with " + mean(ways.real[best_outside]);
  if (n >= enough_to_tell) sentence += "; " + std::to_string(cheats) + " of them surely earn less there than in their dreams";
  auto& before = answer.sentence;  // about who usually drives, in pieces of episodes
  if (!before.empty()) before.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(before.front())));
  answer.sentence = sentence + "." + (before.empty() ? "" : " In shorter pieces, and of who usually drives: " + before);
  answer.numbers.insert(answer.numbers.begin(), numbers.begin(), numbers.end());
  const auto caption = "mean return " + over + "; bands: 95 % over them";
  answer.figures.insert(answer.figures.begin(), {figure("ways", "Found in a dream, and tried outside", caption, std::move(curve)),
                                                 figure("ways_table", "Way by way", caption, std::move(table))});
  answer.episodes = std::max<std::int64_t>(answer.episodes, static_cast<std::int64_t>(n));
}

}  // namespace dream::gap
