// The same moments dreamed on and lived on.
#include <algorithm>

#include "api/error.h"
#include "core/behaviours/random_action.h"
#include "core/lab/driver.h"
#include "core/lab/questions/gap.h"
#include "core/models/rollout.h"

namespace dream::gap {
namespace {

constexpr std::int64_t usual_copies = 8, other_copies = 3;  // dreams from each start
constexpr std::int64_t window_steps = 10, fewest_steps = 25;
constexpr std::uint64_t watching = 3000, dreaming = 3100, gambling = 3200;
constexpr double slow_share = 0.3;  // of the time: a behaviour whose fewest steps take more decides slowly

/// Dreams side by side, all bent alike.
struct Set {
  KnobValues knobs;
  Carry carry;
  Driver driver;
  torch::Tensor reward;  // [L], in the environment's units
  at::Generator rng;
  std::vector<double> sums;
  std::vector<std::int64_t> lasted;             // steps until the dream was over; −1: it goes on
  std::vector<torch::Tensor> actions, rewards;  // of every step, on the CPU; kept for twins alone
  bool twins = false;

  bool over() const { return std::ranges::count(lasted, -1) == 0; }
  void step(WorldModel& model, std::int64_t k) {
    const auto action = driver.drive({&model, carry, {}, reward, knobs}, rng).to(reward.device(), torch::kFloat32);
    carry = model.imagine(carry, action, knobs, rng);
    const auto outcome = model.outcome(carry);
    reward = model.reward_from_target(outcome.reward).to(torch::kFloat32);
    const auto paid = reward.to(torch::kCPU, torch::kFloat64).contiguous();
    const auto end =
        outcome.done.defined() ? outcome.done.to(torch::kCPU, torch::kFloat64).contiguous() : torch::zeros_like(paid);
    for (std::size_t lane = 0; lane < sums.size(); ++lane) {
      if (lasted[lane] >= 0) continue;
      sums[lane] += paid.data_ptr<double>()[lane];
      if (end.data_ptr<double>()[lane] > 0.5) lasted[lane] = k;
    }
    if (twins) actions.push_back(action.to(torch::kCPU).contiguous()), rewards.push_back(paid);
  }
};

/// What the model's dreams are bent by: temperatures together, or else its first knob.
std::vector<KnobValues> settings_of(WorldModel& model, Sums& sums) {
  const auto knobs = model.knobs();
  const auto tempered =
      std::ranges::find_if(knobs, [](const Knob& knob) { return knob.group.name == temperature.name; });
  const auto& chosen = tempered != knobs.end() ? tempered : knobs.begin();
  if (chosen == knobs.end()) {
    sums.values = {0};
    return {{}};
  }
  const bool all = chosen == tempered;
  const auto& knob = *chosen;
  sums.symbol = all ? temperature.symbol : knob.symbol;
  std::vector<double> values = {knob.default_value};
  if (all)
    values.insert(values.end(), {0.1, 0.5, 0.8, 1.0, 1.15, 1.3});
  else
    values.insert(values.end(), {knob.minimum, (knob.minimum + knob.default_value) / 2,
                                 (knob.default_value + knob.maximum) / 2, knob.maximum});
  for (auto& value : values) value = std::clamp(knob.whole ? std::round(value) : value, knob.minimum, knob.maximum);
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
  sums.values = values;
  sums.usual = static_cast<std::size_t>(std::ranges::find(values, knob.default_value) - values.begin());
  std::vector<KnobValues> settings;
  for (const double value : values)
    settings.push_back(all ? together(knobs, temperature, value) : KnobValues{{knob.name, value}});
  return settings;
}

/// The window of these steps in which `more` exceeds `less` by most: where it begins, and by how much.
std::pair<std::int64_t, double> dearest(const std::vector<double>& more, const std::vector<double>& less,
                                        std::int64_t window) {
  std::pair<std::int64_t, double> best{0, -1e300};
  double sum = 0;
  const auto n = static_cast<std::int64_t>(more.size());
  window = std::min(window, n);
  for (std::int64_t k = 0; k < n; ++k) {
    const auto at = static_cast<std::size_t>(k);
    sum += more[at] - less[at];
    if (k >= window) sum -= more[at - static_cast<std::size_t>(window)] - less[at - static_cast<std::size_t>(window)];
    if (k + 1 >= window && sum > best.second + 1e-9) best = {k + 1 - window, sum};
  }
  return n == 0 ? std::pair<std::int64_t, double>{0, 0} : best;
}

}  // namespace

void measure(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode, Sums& sums,
             double from, double to) {
  auto& system = inquiry.system();
  auto& model = inquiry.model();
  const auto env = system.make_env();
  const auto spaces = env->spaces();
  const auto behaviour = driving_behaviour(system, spaces);
  sums.drives = behaviour != nullptr;
  const auto context = sums.context;
  std::vector<LivedEpisode> lived;
  for (const auto& each : episodes)
    if (static_cast<std::int64_t>(each.data.length()) > context) lived.push_back(each);
  if (lived.empty()) return;
  const auto starts = static_cast<std::int64_t>(lived.size());
  const auto batch = stretches(lived, context, 1, system.device).batch;
  Driver driver(behaviour, spaces.action, starts);
  auto before = inquiry.rng(watching + 50 + first_episode);
  auto begun =
      watch(model, batch, context + 1, inquiry.rng(watching + first_episode), [&](std::int64_t t, const Carry& carry) {
        inquiry.at(from, "watches unseen episodes");
        if (t < context && driver.remembers())
          driver.drive({&model, carry, observation_at(batch, t), batch.reward[t]}, before);
      });
  auto needed = model.initial(1);
  for (auto at = begun.begin(); at != begun.end();) at = needed.contains(at->first) ? std::next(at) : begun.erase(at);

  auto settings = settings_of(model, sums);
  if (sums.steps == 0) {
    auto trial = driver;
    const double asked = inquiry.elapsed();
    trial.drive({&model, begun, {}, batch.reward[context], settings[sums.usual]}, before);
    const auto copies = usual_copies + other_copies * static_cast<std::int64_t>(settings.size() - 1);
    sums.slow =
        (inquiry.elapsed() - asked) * static_cast<double>(copies * fewest_steps) > slow_share * inquiry.seconds();
  }
  if (sums.slow) {
    settings = {settings[sums.usual]};
    sums.values = {sums.values[sums.usual]};
    sums.usual = 0;
  }
  std::vector<Set> sets;  // one for each value, and one of random actions
  const auto begin = [&](const KnobValues& knobs, const Driver& by, std::int64_t copies, std::uint64_t purpose) {
    const auto count = static_cast<std::size_t>(starts * copies);
    sets.push_back({knobs,
                    repeated(begun, copies),
                    by.copies(copies),
                    batch.reward[context].repeat({copies}),
                    inquiry.rng(dreaming + purpose * 100 + first_episode),
                    std::vector<double>(count, 0),
                    std::vector<std::int64_t>(count, -1),
                    {},
                    {}});
  };
  for (std::size_t value = 0; value < settings.size(); ++value) {
    const bool usual = value == sums.usual;
    begin(settings[value], driver, sums.slow ? 1 : usual ? usual_copies : other_copies, value);
  }
  begin(settings[sums.usual], Driver(nullptr, spaces.action, starts), other_copies, settings.size());
  sets[sums.usual].twins = true;

  // Every dream takes one step, then every dream the next: wherever time ends, all have lasted as long.
  const double deadline = std::max(0.3 * inquiry.seconds(), inquiry.elapsed() + 0.15 * inquiry.seconds());
  auto most = Bench::episode_steps - context;
  if (spaces.max_episode_steps > 0) most = std::min<std::int64_t>(most, spaces.max_episode_steps - context);
  if (sums.steps > 0) most = sums.steps;
  std::int64_t steps = 0;
  while (steps < most && (sums.steps > 0 || (steps < fewest_steps && !sums.slow) || inquiry.elapsed() < deadline)) {
    ++steps;
    for (auto& set : sets) {
      inquiry.at(from + 0.9 * (to - from) * static_cast<double>(steps) / static_cast<double>(most),
                 "dreams from the same moments that were lived through");
      if (!set.over()) set.step(model, steps);
    }
    if (std::ranges::all_of(sets, &Set::over)) break;
  }
  // Where every dream was over before, the limit stays what it was.
  if (sums.steps == 0) sums.steps = std::ranges::all_of(sets, &Set::over) ? most : steps;
  sums.window = std::min(window_steps, sums.steps);

  sums.dreams.resize(settings.size());
  const auto keep = [&](const Set& set, std::vector<std::vector<double>>& returns) {
    const auto first = returns.size();
    returns.resize(first + static_cast<std::size_t>(starts));
    for (std::size_t lane = 0; lane < set.sums.size(); ++lane)
      returns[first + lane % static_cast<std::size_t>(starts)].push_back(set.sums[lane]);
  };
  for (std::size_t value = 0; value < settings.size(); ++value) keep(sets[value], sums.dreams[value]);
  keep(sets.back(), sums.chance);

  // The real world: as it was lived, under random actions, and under the dreams' own.
  auto luck = inquiry.rng(gambling + first_episode);
  const auto axes = spaces.action.size();
  const auto& twins = sets[sums.usual];
  for (std::size_t e = 0; e < lived.size(); ++e) {
    const auto& data = lived[e].data;
    const auto began = static_cast<std::size_t>(context);
    double paid = 0;
    for (std::size_t t = began; t < std::min(data.length(), began + static_cast<std::size_t>(sums.steps)); ++t)
      paid += data.rewards[t];
    sums.real.push_back(paid);
    env->reset(data.seed);
    for (std::size_t t = 0; t < began; ++t) env->step({data.actions.data() + t * axes, axes});
    const auto state = env->save_state();
    double random = 0;
    for (std::int64_t k = 0; k < sums.steps; ++k) {
      const auto action = random_action(spaces.action, 1, luck, system.device).to(torch::kCPU).contiguous();
      const auto result = env->step({action.data_ptr<float>(), axes});
      random += result.reward;
      if (result.done()) break;
    }
    sums.chance_real.push_back(random);
    for (std::size_t lane = e; lane < twins.sums.size(); lane += lived.size()) {
      inquiry.at(from + (to - from) * (0.9 + 0.1 * static_cast<double>(e) / static_cast<double>(lived.size())),
                 "lives the dreams' actions in the real world");
      env->load_state(state);
      Twin twin;
      twin.seed = data.seed, twin.began = context;
      auto actions = std::make_shared<std::vector<float>>(
          data.actions.begin(), data.actions.begin() + static_cast<std::ptrdiff_t>(began * axes));
      bool alive = true;
      const auto dreamed =
          twins.lasted[lane] >= 0 ? twins.lasted[lane] : static_cast<std::int64_t>(twins.rewards.size());
      for (std::int64_t k = 0; k < dreamed; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const auto* action = twins.actions[at].data_ptr<float>() + lane * axes;
        twin.dreamt.push_back(twins.rewards[at].data_ptr<double>()[lane]);
        const auto result = alive ? env->step({action, axes}) : StepResult{};
        twin.real.push_back(result.reward);
        if (!alive) continue;
        actions->insert(actions->end(), action, action + axes);
        ++twin.lived;
        alive = !result.done();
      }
      if (!alive) --twin.lived;  // the last moment that something can begin from
      twin.actions = actions;
      std::tie(twin.at, twin.excess) = dearest(twin.dreamt, twin.real, sums.window);
      twin.shortfall = dearest(twin.real, twin.dreamt, sums.window).second;
      double early = 0;
      for (std::size_t k = 0; k < std::min(twin.dreamt.size(), static_cast<std::size_t>(sums.window)); ++k)
        early += twin.dreamt[k] - twin.real[k];
      sums.early.push_back(early);
      sums.excesses.push_back(twin.excess), sums.shortfalls.push_back(twin.shortfall);
      if (sums.worst.dreamt.empty() || twin.excess > sums.worst.excess) sums.worst = std::move(twin);
    }
  }
}

}  // namespace dream::gap
