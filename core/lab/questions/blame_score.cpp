// What the behaviour earns in the real world when what it decides by is replaced, part by part.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/behaviours/random_action.h"
#include "core/engine/lanes.h"
#include "core/engine/seeds.h"
#include "core/lab/driver.h"
#include "core/lab/questions/blame.h"

namespace dream::blame {
namespace {

constexpr std::int64_t seeds_a_round = 4, most_steps = 200, fewest_steps = 10;
constexpr std::size_t most_returns = 32;
constexpr std::uint64_t playing = 2300;

/// Rounded, and never "-0".
double rounded(double value) {
  return std::round(value) + 0.0;
}

std::string percent(const Interval& share) {
  char text[96];
  if (std::isfinite(share.low))
    std::snprintf(text, sizeof text, "%.0f %% (%.0f to %.0f)", rounded(share.value), rounded(share.low),
                  rounded(share.high));
  else
    std::snprintf(text, sizeof text, "%.0f %%", rounded(share.value));
  return text;
}

Carry lanes_of(const Carry& carry, std::int64_t first, std::int64_t count) {
  Carry some;
  for (const auto& [name, tensor] : carry) some[name] = tensor.slice(0, first, first + count);
  return some;
}

}  // namespace

const std::array<const char*, Returns::players> player_names = {"the behaviour", "by predictions", "without memory",
                                                                "random actions", "expert"};

void play(Inquiry& inquiry, Returns& returns, double from, double to, const std::function<void()>& played) {
  auto& system = inquiry.system();
  auto& model = inquiry.model();
  const auto spaces = system.make_env()->spaces();
  const auto behaviour = driving_behaviour(system, spaces);
  if (!behaviour) {
    returns.lacks = system.behaviour ? "its model brings actions of its own" : "it has no behaviour: people drive";
    return;
  }
  const auto device = system.device;
  const bool parts = !model.with_latent(model.initial(1), model.initial(1)).empty();
  // The players in whose lanes the behaviour decides, then chance, then the expert where the world has one.
  std::vector<Returns::Player> who = {Returns::whole};
  if (parts) who.insert(who.end(), {Returns::predicted, Returns::forgetful});
  const auto driven = static_cast<std::int64_t>(who.size()) * seeds_a_round;
  who.push_back(Returns::chance);
  std::vector<float> tried(spaces.action.size());
  const auto probe = system.make_env();
  probe->reset(first_evaluation_seed);
  if (probe->expert(tried)) who.push_back(Returns::expert);
  const auto lanes = static_cast<std::int64_t>(who.size()) * seeds_a_round;
  std::int64_t limit =
      spaces.max_episode_steps > 0 ? std::min<std::int64_t>(most_steps, spaces.max_episode_steps) : most_steps;
  RealLanes world(system.model, device, system.make_env, lanes, playing);
  auto rng = inquiry.rng(playing), luck = inquiry.rng(playing + 1), foresight = inquiry.rng(playing + 2);

  // The first round has this long; if it is cut short, all is told about the steps that it came to.
  const double began = inquiry.elapsed(),
               allowed = std::max(0.8 * (inquiry.seconds() - began), 0.15 * inquiry.seconds());
  for (std::size_t first = 0; first < most_returns; first += seeds_a_round) {
    const double round_began = inquiry.elapsed();
    std::vector<Lanes::Start> starts;
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      starts.push_back({lane, first_evaluation_seed + first + static_cast<std::uint64_t>(lane % seeds_a_round)});
    world.start_all(starts);
    Driver driver(behaviour, spaces.action, driven);
    std::vector<char> active(static_cast<std::size_t>(lanes), 1);
    std::vector<double> sums(static_cast<std::size_t>(lanes), 0);
    Carry before;
    torch::Tensor action;
    std::int64_t step = 0;
    for (; step < limit && std::ranges::count(active, 1) > 0; ++step) {
      if (first == 0 && inquiry.elapsed() - began > allowed) break;
      const double in_round = static_cast<double>(step) / static_cast<double>(limit);
      inquiry.at(from + (to - from) * (static_cast<double>(first) + seeds_a_round * in_round) / most_returns,
                 "drives the real world, by what is true and by what is not");
      auto now = world.look();
      const auto seen = now.carry;
      now.carry = lanes_of(seen, 0, driven);
      if (parts) {
        const auto of = [&](const Carry& all, std::int64_t player) {
          return lanes_of(all, player * seeds_a_round, seeds_a_round);
        };
        auto expected = of(seen, 1);
        if (!before.empty())
          expected = model.imagine(of(before, 1), action.slice(0, seeds_a_round, 2 * seeds_a_round), {}, foresight);
        const std::array<Carry, 3> views = {model.with_latent(of(seen, 0), of(seen, 0)),
                                            model.with_latent(of(seen, 1), expected),
                                            model.with_latent(model.initial(seeds_a_round), of(seen, 2))};
        now.carry.clear();
        for (const auto& [name, tensor] : views[0])
          now.carry[name] = torch::cat({tensor, views[1].at(name), views[2].at(name)});
      }
      const auto narrow = [&](torch::Tensor& x) {
        if (x.defined()) x = x.slice(0, 0, driven);
      };
      narrow(now.observation.image), narrow(now.observation.vector), narrow(now.last_reward);
      std::vector<torch::Tensor> actions = {driver.drive(now, rng).to(torch::kCPU, torch::kFloat32),
                                            random_action(spaces.action, seeds_a_round, luck, device).to(torch::kCPU)};
      if (who.back() == Returns::expert) actions.push_back(world.envs().experts().slice(0, lanes - seeds_a_round));
      const auto taken = torch::cat(actions);
      const auto outcomes = world.step(taken, active);
      action = taken.to(device), before = seen;
      for (std::size_t lane = 0; lane < active.size(); ++lane) {
        if (!active[lane]) continue;
        sums[lane] += outcomes[lane].reward;
        active[lane] = !outcomes[lane].done();
      }
    }
    if (step < fewest_steps && std::ranges::count(active, 1) > 0) {
      returns.lacks = "there was no time left to drive";
      return;
    }
    if (first == 0 && std::ranges::count(active, 1) > 0) limit = step;
    returns.steps = limit;
    for (std::size_t player = 0; player < who.size(); ++player)
      for (std::size_t i = 0; i < seeds_a_round; ++i)
        returns.of[who[player]].push_back(sums[player * seeds_a_round + i]);
    played();
    if (!inquiry.time_for(inquiry.elapsed() - round_began)) break;
  }
}

void tell_returns(const Returns& returns, bool sees, LabAnswer& answer) {
  if (!returns.lacks.empty()) {
    answer.sentence += " Of the score nothing can be told: " + returns.lacks + ".";
    return;
  }
  if (returns.episodes() == 0) return;
  const auto& of = returns.of;
  const auto there = [&](Returns::Player player) { return !of[player].empty(); };
  const auto less = [&](Returns::Player a, Returns::Player b) {  // paired: the same episodes
    std::vector<double> differences;
    for (std::size_t i = 0; i < of[a].size(); ++i) differences.push_back(of[a][i] - of[b][i]);
    return differences;
  };
  const auto n = std::to_string(returns.episodes());
  const auto over = "over the first " + std::to_string(returns.steps) + " steps of " + n + " unseen episodes";

  auto score = number("return", "Return of the behaviour", "", bootstrap_mean(of[Returns::whole]),
                      "in the real world, by what the model sees, " + over);
  Vector bars;
  for (std::size_t player = 0; player < Returns::players; ++player) {
    if (of[player].empty()) continue;
    const double mean = mean_of(of[player]);
    if (player != Returns::whole) score.beside.push_back({player_names[player], mean});
    bars.values.push_back(static_cast<float>(mean)), bars.mean.push_back(static_cast<float>(mean));
    bars.deviation.push_back(static_cast<float>(deviation_of(of[player])));
    bars.labels.push_back(player_names[player]);
  }
  const auto earned = bootstrap_mean(less(Returns::whole, Returns::chance));
  const bool told = std::isfinite(earned.low), idle = told && earned.value <= 0, open = told && !idle && earned.low <= 0;
  if (told && !open) score.verdict = idle ? LabNumber::Verdict::bad : LabNumber::Verdict::good;
  score.note += "; good: more than random actions earn in the same episodes";
  answer.numbers.push_back(std::move(score));
  auto bars_figure = figure("score", "Return, with what it decides by replaced",
                            over + "; the marks are the mean and the spread of episodes", std::move(bars));
  answer.figures.push_back(std::move(bars_figure));

  const auto share = [&](std::string name, std::string title, Returns::Player better, Returns::Player worse,
                         Returns::Player best, const std::string& note) {
    auto made = number(std::move(name), std::move(title), "%",
                       bootstrap_ratio(less(better, worse), less(best, Returns::chance)), note + ", " + over);
    for (double* value : {&made.value, &made.low, &made.high}) *value *= 100;
    if (!(bootstrap_mean(less(best, Returns::chance)).low > 0)) {
      made.value = made.low = made.high = LabNumber::unknown;
      made.note =
          std::string(player_names[best]) + " cannot be told from random actions: there is nothing to have a share of";
    }
    answer.numbers.push_back(made);
    return Interval{made.value, made.low, made.high};
  };
  std::string words;
  if (there(Returns::expert)) {
    const auto lost = share(
        "score_c", "Of the expert's score, lost by C", Returns::expert, Returns::whole, Returns::expert,
        "(expert − behaviour) / (expert − random actions): what the behaviour, on what it is shown, does not earn");
    if (std::isfinite(lost.value))
      words = lost.value > 0 ? "of what an expert earns above random actions its behaviour leaves " + percent(lost)
                             : "its behaviour earns as much as the expert or more";
  }
  if (there(Returns::predicted)) {
    const auto cost =
        share("score_m", "Lost where M's prediction stands for what is seen", Returns::whole, Returns::predicted,
              Returns::whole, "(behaviour − the same by the latent that M expected) / (behaviour − random actions)");
    const auto memory =
        share("score_memory", "Lost without memory", Returns::whole, Returns::forgetful, Returns::whole,
              "(behaviour − the same with its memory as at the beginning) / (behaviour − random actions)");
    if (std::isfinite(cost.value))
      words += (words.empty() ? "" : "; ") +
               std::string("deciding by M's predictions in place of what is seen it loses ") + percent(cost) +
               " of its own, without memory " + percent(memory);
  }
  const auto earns = "In the real world its behaviour earns " + in_figures(mean_of(of[Returns::whole]));
  if (idle)
    answer.sentence += " " + earns + ", no more than random actions (" + in_figures(mean_of(of[Returns::chance])) +
                       ", " + over + "): " +
                       (sees ? "what it sees is near the truth, so the score is C's fault."
                             : "but what it sees is not the truth either, so V and M come before C.");
  else if (open)
    answer.sentence += " " + earns + ", which " + n + " episodes cannot tell from the " + in_figures(mean_of(of[Returns::chance])) +
                       " of random actions" + (sees ? "." : "; what it sees is not the truth either, so V and M come before C.");
  else if (told)
    answer.sentence += " " + earns + " against " + in_figures(mean_of(of[Returns::chance])) + " of random actions" +
                       (words.empty() ? "" : "; " + words) + " (" + over + ").";
  else
    answer.sentence += " " + earns + "; " + n + " episodes are too few to say more.";
}

}  // namespace dream::blame
