#include <algorithm>
#include <cmath>

#include "core/engine/lanes.h"
#include "core/engine/seeds.h"
#include "core/lab/driver.h"
#include "core/lab/questions/questions.h"
#include "core/lab/statistics.h"

namespace dream {
namespace {
namespace asking {

constexpr std::int64_t lanes_at_once = 16;
constexpr std::size_t askings = 9;           // returns that are asked for, evenly over the knob's range
constexpr std::size_t most_rounds = 8;       // of lanes, for each of them
constexpr double most_of_an_episode = 1000;  // steps

const Knob* asked_knob(const std::vector<Knob>& knobs) {
  const auto found = std::ranges::find(knobs, std::string("return_to_go"), &Knob::name);
  return found == knobs.end() ? nullptr : &*found;
}

std::string lacks_knob(const System& system) {
  if (system.behaviour) {
    const auto knobs = system.behaviour->knobs();
    if (asked_knob(knobs)) return "";
  }
  return "nobody asks its behaviour for a return";
}

/// Returns of one round of episodes from unseen starts, each to its end.
std::vector<double> play(Inquiry& inquiry, double asked, std::uint64_t round, double from, double to, const std::string& doing) {
  auto& system = inquiry.system();
  RealLanes lanes(system.model, system.device, system.make_env, lanes_at_once, round);
  std::vector<Lanes::Start> starts;
  for (std::int64_t lane = 0; lane < lanes_at_once; ++lane)
    starts.push_back({lane, first_evaluation_seed + round * lanes_at_once + static_cast<std::uint64_t>(lane)});
  lanes.start_all(starts);
  const auto& spaces = lanes.envs().spaces();
  Driver driver(system.behaviour, spaces.action, lanes_at_once);
  const auto rng = inquiry.rng(round);
  std::vector<char> active(lanes_at_once, 1);
  std::vector<double> returns(lanes_at_once, 0);
  const double longest = spaces.max_episode_steps > 0 ? std::min<double>(spaces.max_episode_steps, most_of_an_episode) : most_of_an_episode;
  for (double step = 0; step < longest && std::ranges::find(active, 1) != active.end(); ++step) {
    inquiry.at(from + (to - from) * step / longest, doing);
    auto seen = lanes.look();
    seen.knobs["return_to_go"] = asked;
    const auto results = lanes.step(driver.drive(seen, rng), active);
    for (std::size_t lane = 0; lane < active.size(); ++lane) {
      if (!active[lane]) continue;
      returns[lane] += static_cast<double>(results[lane].reward);
      active[lane] = !results[lane].done();
    }
  }
  return returns;
}

struct Asked {
  double value = 0;
  std::vector<double> returns;
};

void fill(const std::vector<Asked>& all, double low, double high, LabAnswer& answer) {
  std::vector<double> achieved, inside, inside_achieved;
  std::vector<double> each_asked, each_achieved;  // of every episode
  Curve curve;
  curve.x_unit = "return asked for", curve.y_unit = "return achieved";
  Line mean{"achieved", {}}, same{"what was asked for", {}};
  same.dashed = true;
  for (const auto& each : all) {
    if (each.returns.empty()) continue;
    const auto interval = bootstrap_mean(each.returns);
    curve.x.push_back(each.value);
    mean.y.push_back(interval.value), mean.low.push_back(interval.low), mean.high.push_back(interval.high);
    same.y.push_back(each.value);
    achieved.push_back(interval.value);
    for (const double one : each.returns) each_asked.push_back(each.value), each_achieved.push_back(one);
    if (each.value >= low && each.value <= high) inside.push_back(each.value), inside_achieved.push_back(interval.value);
    answer.episodes += static_cast<std::int64_t>(each.returns.size());
  }
  curve.lines = {mean, same};
  const double order = spearman(each_asked, each_achieved);
  double slope = LabNumber::unknown;
  if (inside.size() > 1) {
    const double mx = mean_of(inside), my = mean_of(inside_achieved);
    double over = 0, under = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) over += (inside[i] - mx) * (inside_achieved[i] - my), under += (inside[i] - mx) * (inside[i] - mx);
    slope = over / under;
  }
  const auto best = std::ranges::max_element(achieved);
  const double most = best == achieved.end() ? LabNumber::unknown : *best;
  answer.numbers = {number("slope", "Slope within the data", "", {slope, LabNumber::unknown, LabNumber::unknown},
                           "of achieved over asked return, between the lowest and the highest of the data: 1 does as asked, 0 whatever is asked"),
                    number("order", "Rank correlation", "", {order, LabNumber::unknown, LabNumber::unknown}, "of asked and achieved return over all episodes; 1: more is more"),
                    number("most", "Most achieved", "reward", {most, LabNumber::unknown, LabNumber::unknown}, "mean of the asking that brought most")};
  answer.figures = {figure("asked", "Asked and achieved",
                           "Mean return of unseen episodes over the return that was asked for, with its 95 % interval; the data's returns lie between " +
                               in_figures(low) + " and " + in_figures(high),
                           curve)};
  answer.sentence = std::isnan(slope)        ? "Too few returns were asked for to tell."
                    : slope > 0.6            ? "It brings what it is asked for: of a return more that is asked it brings " + in_figures(slope) + "."
                    : slope > 0.15           ? "It brings part of what it is asked for: " + in_figures(slope) + " of every return more."
                                             : "It does the same whatever is asked (slope " + in_figures(slope) + ").";
  answer.sentence += " The best asking brought " + in_figures(most) + ".";
}

void ask_asked(Inquiry& inquiry, LabAnswer& answer) {
  const auto knobs = inquiry.system().behaviour->knobs();
  const auto knob = *asked_knob(knobs);
  // The knob reaches a quarter of the data's range beyond either end.
  const double range = (knob.maximum - knob.minimum) / 1.5, low = knob.minimum + 0.25 * range, high = knob.maximum - 0.25 * range;
  std::vector<Asked> all;
  for (std::size_t i = 0; i < askings; ++i)
    all.push_back({knob.minimum + (knob.maximum - knob.minimum) * static_cast<double>(i) / (askings - 1), {}});
  double last = 0;
  for (std::size_t round = 0; round < most_rounds && (round == 0 || inquiry.time_for(last)); ++round) {
    const double began = inquiry.elapsed();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double share = static_cast<double>(round * all.size() + i) / static_cast<double>(most_rounds * all.size());
      const auto returns = play(inquiry, all[i].value, round, share, share + 1.0 / static_cast<double>(most_rounds * all.size()),
                                "asks for " + in_figures(all[i].value));
      all[i].returns.insert(all[i].returns.end(), returns.begin(), returns.end());
    }
    answer.episodes = 0;
    fill(all, low, high, answer);
    inquiry.show(answer);
    last = inquiry.elapsed() - began;
  }
}

}  // namespace asking
}  // namespace

Question question_asked() {
  return {"asked", "Does it bring what is asked?",
          "What a behaviour that is told a return brings, over the return that it is told.", asking::lacks_knob, asking::ask_asked};
}

}  // namespace dream
