#include "core/engine/gauge_watch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "api/platform_time.h"
#include "core/behaviours/random_action.h"
#include "core/engine/lanes.h"
#include "core/engine/seeds.h"
#include "core/engine/system.h"
#include "core/models/gauges.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::int64_t gauge_lanes = 8, gauge_steps = 28;
constexpr double gauge_every = 30;          // times the frames of an update that a gauge sees, about 1 % of the work
constexpr std::int64_t least_updates = 20;  // between two gauges
constexpr int times_in_a_row = 2;           // beyond its band before anything is said
constexpr double grace = 0.2;               // of the training, in which nothing need be good yet
constexpr double answering = 0.01;          // a world that changes less by other actions says nothing of a model's ears
constexpr std::uint64_t gauge_seeds = first_evaluation_seed + (std::uint64_t{1} << 20);

/// What is told of a model. `out`: beyond its band.
struct Band {
  const char *name, *title, *unit;
  double level;  // that is drawn in
  const char* level_label;
  double (*value)(const Gauged&);
  bool (*out)(double value, const UnseenPieces& pieces);  // null: it has none
  const char* words;                                      // with the value as %.2f
};

const Band bands[] = {
    {"gauges/skill", "Skill against a still picture, unseen pieces", "", 0.12, "modest",
     [](const Gauged& g) { return skill_of(g.errors()); }, [](double v, const UnseenPieces&) { return v <= 0; },
     "the dream of unseen pieces is no nearer to the truth than what was last seen, standing still (skill %.2f, 0 is a "
     "copy): "
     "more updates, or a smaller learning rate if the losses rise"},
    {"gauges/reliance", "Reliance on actions, unseen pieces", "", 0.03, "deaf",
     [](const Gauged& g) { return reliance_of(g.errors()); },
     [](double v, const UnseenPieces& pieces) { return v <= 0.03 && pieces.answers > answering; },
     "the dream hardly listens to actions (reliance %.2f, 0.03 and less is deaf), and this world does: are those in "
     "the data "
     "the ones that were taken, and do they vary?"},
    {"gauges/silent", "Silent latents: KL(q ‖ q̄) < 0.01 nats, unseen pieces", "share", 0.9, "collapsed",
     [](const Gauged& g) { return silent_share_of(g); }, [](double v, const UnseenPieces&) { return v >= 0.9; },
     "the latent has collapsed: %.2f of it is the same for every unseen frame. Lower the free nats or the scale of the "
     "KL"},
    // How far is far enough depends on the world: where little moves, a mean picture is hard to beat.
    {"gauges/usable_horizon", "Usable horizon, unseen pieces", "steps", 0, "",
     [](const Gauged& g) { return usable_horizon_of(g.errors()); }, nullptr, ""},
};

}  // namespace

UnseenPieces drive_unseen(System& system, std::int64_t lanes, std::int64_t most_steps) {
  torch::NoGradGuard no_grad;
  EnvLanes envs(system.make_env, lanes);
  envs.outlive_faults();
  const auto& spaces = envs.spaces();
  const auto limit =
      spaces.max_episode_steps > 0 ? std::min<std::int64_t>(most_steps, spaces.max_episode_steps) : most_steps;
  const auto hold =
      std::clamp<std::int64_t>(limit / 4, 1, 4);  // steps that an action is held, so that it leads somewhere
  std::vector<Lanes::Start> starts;
  for (std::int64_t lane = 0; lane < lanes; ++lane)
    starts.push_back({lane, gauge_seeds + static_cast<std::uint64_t>(lane)});

  std::vector<torch::Tensor> actions;
  auto chance = make_generator(torch::kCPU, 3);
  for (std::int64_t step = 0; step < limit; ++step)
    actions.push_back(step % hold == 0 ? random_action(spaces.action, lanes, chance, torch::kCPU).contiguous()
                                       : actions.back());

  struct Lived {
    std::vector<torch::Tensor> images, vectors, rewards, costs, terminated;
    std::vector<std::int64_t> length;
  };
  const auto live = [&](std::int64_t roll) {
    Lived lived;
    lived.length.assign(static_cast<std::size_t>(lanes), 0);
    std::vector<char> active(static_cast<std::size_t>(lanes), 1);
    const auto look = [&] {
      if (envs.images().defined()) lived.images.push_back(envs.images().clone());
      if (envs.vectors().defined()) lived.vectors.push_back(envs.vectors().clone());
    };
    envs.start_all(starts);
    look();
    for (std::int64_t step = 0; step < limit && std::ranges::count(active, 1) > 0; ++step) {
      const auto results = envs.step(actions[static_cast<std::size_t>(step)].roll(roll, 0).contiguous(), active);
      auto reward = torch::zeros({lanes}), cost = torch::zeros({lanes}), over = torch::zeros({lanes});
      for (std::size_t lane = 0; lane < active.size(); ++lane) {
        if (!active[lane]) continue;
        active[lane] = !envs.broken(static_cast<std::int64_t>(lane));  // such a step is none
        if (!active[lane]) continue;
        reward[static_cast<std::int64_t>(lane)] = results[lane].reward;
        cost[static_cast<std::int64_t>(lane)] = results[lane].cost;
        over[static_cast<std::int64_t>(lane)] = results[lane].terminated;
        ++lived.length[lane];
        active[lane] = !results[lane].done();
      }
      lived.rewards.push_back(reward), lived.costs.push_back(cost), lived.terminated.push_back(over);
      look();
    }
    return lived;
  };
  const auto lived = live(0), otherwise = live(1);

  auto sorted = lived.length;
  std::ranges::sort(sorted);
  const auto length = sorted[sorted.size() / 2];
  std::vector<std::int64_t> long_enough;
  for (std::int64_t lane = 0; lane < lanes; ++lane)
    if (lived.length[static_cast<std::size_t>(lane)] >= length) long_enough.push_back(lane);
  const auto which = torch::tensor(long_enough);
  const auto rows = [&](const std::vector<torch::Tensor>& all, std::int64_t count) {
    if (all.empty()) return torch::Tensor();
    return torch::stack(std::vector<torch::Tensor>(all.begin(), all.begin() + count)).index_select(1, which);
  };
  const auto led = [&](const std::vector<torch::Tensor>& all) {  // what came with the step that led to each entry
    const auto made = rows(all, length);
    return torch::cat({torch::zeros_like(made.slice(0, 0, 1)), made});
  };
  UnseenPieces pieces;
  auto& batch = pieces.batch;
  batch.image = rows(lived.images, length + 1), batch.vector = rows(lived.vectors, length + 1);
  batch.action = led(actions), batch.reward = led(lived.rewards), batch.terminated = led(lived.terminated);
  if (spaces.costs) batch.extra[cost_column] = led(lived.costs).unsqueeze(2);
  batch.first = torch::zeros_like(batch.reward), batch.last = batch.terminated.clone();
  batch.first[0].fill_(1);
  pieces.context = std::clamp<std::int64_t>(length / 4, 1, 8);

  const auto shared = std::min<std::int64_t>(length, static_cast<std::int64_t>(otherwise.rewards.size()));
  const auto& seen = lived.images.empty() ? lived.vectors : lived.images;
  const auto here = rows(seen, shared + 1).to(torch::kFloat64);
  const auto there = rows(lived.images.empty() ? otherwise.vectors : otherwise.images, shared + 1).to(torch::kFloat64);
  const double moved = (here - here[0]).square().sum().item<double>();
  pieces.answers = moved > 0 ? (there - here).square().sum().item<double>() / moved : 0;
  batch = batch.to(system.device);
  return pieces;
}

GaugeWatch::GaugeWatch(System& system, std::function<double()> clock)
    : system_(system),
      clock_(clock ? std::move(clock) : std::function<double()>(now_seconds)),
      time_(most_time, clock_()),
      standing_(std::size(bands)) {}

std::vector<Metrics::Spec> GaugeWatch::curves(const std::string& x_unit) {
  std::vector<Metrics::Spec> specs;
  for (const auto& band : bands)
    specs.push_back({band.name, band.title, band.unit, x_unit, band.level, band.level_label});
  return specs;
}

void GaugeWatch::after(std::int64_t number, double frames, double progress) {
  constexpr double seen = gauge_lanes * 3.0 * gauge_steps;  // watched, and imagined twice
  const auto every =
      std::max(least_updates, static_cast<std::int64_t>(std::ceil(gauge_every * seen / std::max(1.0, frames))));
  const auto before = std::exchange(last_, number);
  if (before < 0 ? number % every != 0 : before / every == number / every) return;
  const double began = clock_();
  if (!time_.allows(began)) return;
  measure(number, progress);
  time_.took(clock_() - began);
}

void GaugeWatch::measure(std::int64_t number, double progress) {
  if (!pieces_.batch.reward.defined()) pieces_ = drive_unseen(system_, gauge_lanes, gauge_steps);
  if (pieces_.batch.steps() < pieces_.context + 2) return;
  const auto gauged = gauge(*system_.model, pieces_.batch, pieces_.context, make_generator(system_.device, 5));
  for (std::size_t i = 0; i < std::size(bands); ++i) {
    const auto& band = bands[i];
    auto& standing = standing_[i];
    const double value = band.value(gauged);
    if (!std::isfinite(value)) continue;
    system_.metrics.add(band.name, number, value);
    if (!band.out || !band.out(value, pieces_)) {
      standing = {true, 0, ""};
      continue;
    }
    if (++standing.beyond < times_in_a_row || (!standing.was_good && progress < grace) || !standing.sentence.empty())
      continue;
    char words[512];
    std::snprintf(words, sizeof words, band.words, value);
    standing.sentence = words;
  }
}

std::vector<std::string> GaugeWatch::warnings() const {
  std::vector<std::string> all;
  for (const auto& standing : standing_)
    if (!standing.sentence.empty()) all.push_back(standing.sentence);
  return all;
}

}  // namespace dream
