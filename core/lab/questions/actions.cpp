// Does it listen to the actions? The dream under the true actions against others, what one action changes, and what
// each does to the picture. Measure 3 of the gauges.
#include "core/lab/questions/actions.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/lab/density_scores.h"
#include "core/lab/questions/questions.h"

namespace dream {

std::vector<float> idle_of(const ActionSpace& space) {
  if (space.idle.size() == space.size()) return space.idle;
  if (space.discrete()) return {0};
  std::vector<float> values;
  for (std::size_t i = 0; i < space.size(); ++i) values.push_back(std::clamp(0.0f, space.low[i], space.high[i]));
  return values;
}

namespace {

constexpr std::int64_t action_horizon = 15;
constexpr std::size_t action_episodes = 16, most_held_actions = 24;
constexpr std::int64_t starts_an_episode = 12, few_starts = 5, effect_starts = 3, longest_action_context = 20;
constexpr double slow =
    0.3;  // of the time there is, for the driving and watching of the first episodes alone: few starts
constexpr std::int64_t readable_size = 64;  // numbers that a read-out sees of a latent; more are projected at random
const std::vector<std::int64_t> held_for = {1, 5, 15, 30};  // shown; those beyond twice the horizon are not
const std::vector<std::int64_t> compared_steps = {1, 2,  3,  5,
                                                  7, 10, 12, 15};  // at which errors are taken: painting costs most
constexpr double difference_gain = 2.5;                            // of a signed difference, which is half as wide

std::vector<HeldAction> held_actions(const ActionSpace& space) {
  const auto idle = idle_of(space);
  std::vector<HeldAction> all;
  if (space.discrete()) {
    for (std::size_t i = 0; i < space.choices.size(); ++i)
      if (static_cast<float>(i) != idle[0]) all.push_back({space.choices[i], {static_cast<float>(i)}});
  } else {
    for (std::size_t axis = 0; axis < space.axes.size(); ++axis)
      for (const float end : {space.low[axis], space.high[axis]}) {
        if (end == idle[axis]) continue;
        all.push_back(
            {space.axes[axis] + (end < 0 ? " −" : " ") + in_figures(std::abs(static_cast<double>(end))), idle});
        all.back().values[axis] = end;
      }
  }
  if (all.size() > most_held_actions) all.resize(most_held_actions);
  return all;
}

/// The picture, or what the behaviour would see.
torch::Tensor looked_at(WorldModel& model, const Carry& carry, bool paints) {
  return (paints ? model.predict(carry).frame : model.features(carry)).to(torch::kFloat32);
}

/// What is expected of the next latent, without chance where the model says what it expects.
torch::Tensor expectation(WorldModel& model, const Carry& carry, bool prior) {
  const auto belief = model.belief(carry);
  const auto& density = prior ? belief.prior : belief.posterior;
  return density.known() ? expected_of(density) : model.features(carry).to(torch::kCPU, torch::kFloat64);
}

/// What an action can be read from: the latent alone, as the memory has been told of it.
torch::Tensor readable(WorldModel& model, const Carry& carry, torch::Tensor& projection) {
  const auto latent = model.belief(carry).latent;
  const auto x = cpu_floats(latent.defined() ? latent.flatten(1) : model.features(carry));
  if (x.size(1) <= readable_size) return x;
  if (!projection.defined())
    projection =
        torch::randn({x.size(1), readable_size}, at::make_generator<at::CPUGeneratorImpl>(1), torch::kFloat32) /
        std::sqrt(static_cast<double>(readable_size));
  return torch::matmul(x, projection);
}

torch::Tensor as_targets(const torch::Tensor& action, const ActionSpace& space) {  // [N, A] -> [N, K]
  if (!space.discrete()) return cpu_floats(action);
  return torch::one_hot(action.select(1, 0).to(torch::kCPU, torch::kInt64),
                        static_cast<std::int64_t>(space.choices.size()))
      .to(torch::kFloat32);
}

void compare_actions(Inquiry& inquiry, const Whole& episodes, const Starts& starts, const ActionSpace& space,
                     const torch::Tensor& expected, ActionsSeen& seen, double from, double to) {
  auto& model = inquiry.model();
  const auto& batch = episodes.batch;
  const auto lane = doubles_of(starts.lane), step = doubles_of(starts.step);
  const auto place = [&](std::size_t i) {
    return episodes.at(static_cast<std::int64_t>(lane[i]), static_cast<std::int64_t>(step[i]));
  };
  const auto truth = starts.actions(batch, seen.horizon);
  const auto idle = torch::tensor(idle_of(space)).to(truth.device()).expand_as(truth);
  const std::array<torch::Tensor, ways> taken = {truth, truth.roll(1, 1), idle, truth.flip(0)};
  const auto count = static_cast<std::size_t>(starts.count());
  for (std::size_t i = 0; i < count; ++i) seen.starts[place(i).episode] += 1;
  torch::Tensor one_step;
  for (std::size_t way = 0; way < ways; ++way) {
    imagine_on(model, starts.carry, taken[way], {}, inquiry.rng(300 + episodes.first),
               [&](std::int64_t k, const Carry& carry) {
                 inquiry.at(from + (to - from) *
                                       (static_cast<double>(way) +
                                        static_cast<double>(k) / static_cast<double>(seen.horizon)) /
                                       static_cast<double>(ways),
                            "imagines under " + std::string(way_names[way]));
                 const auto found = std::ranges::find(seen.compared, k);
                 if (found == seen.compared.end()) return;
                 const auto row = static_cast<std::size_t>(found - seen.compared.begin());
                 const auto real = seen.paints ? unit_pictures(starts.of(batch.image, k)) : starts.of(expected, k);
                 const auto made = looked_at(model, carry, seen.paints).to(real.device());
                 const auto missed = doubles_of((made - real).square().flatten(1).mean(1));
                 for (std::size_t i = 0; i < count; ++i) seen.error[way][place(i).episode][row] += missed[i];
                 if (way == as_done) {
                   const auto begin = seen.paints ? unit_pictures(starts.of(batch.image, 0)) : starts.of(expected, 0);
                   const auto stood = doubles_of((begin - real).square().flatten(1).mean(1));
                   for (std::size_t i = 0; i < count; ++i) {
                     seen.still[place(i).episode][row] += stood[i];
                     if (auto& worst = seen.worst_error[row]; missed[i] > worst)
                       worst = missed[i], seen.worst[row] = inquiry.moment(place(i), 0);
                   }
                 }
                 if (k > 1) return;
                 if (way == as_done) one_step = expectation(model, carry, true);
                 if (way != shuffled_way) return;
                 // Only where the other action is another one.
                 const auto other = doubles_of((taken[way][0] != truth[0]).any(-1));
                 const auto apart = doubles_of((one_step - expectation(model, carry, true)).norm(2, 1));
                 for (std::size_t i = 0; i < count; ++i)
                   if (other[i] > 0) seen.apart[place(i).episode] += apart[i];
               });
  }
}

/// Every action held from the same moments by the same chance, against idling.
void hold_actions(Inquiry& inquiry, const Whole& episodes, const Starts& starts, const std::vector<HeldAction>& actions,
                  const ActionSpace& space, ActionsSeen& seen, double from, double to) {
  auto& model = inquiry.model();
  const auto& batch = episodes.batch;
  const auto lane = doubles_of(starts.lane), step = doubles_of(starts.step);
  const auto count = static_cast<std::size_t>(starts.count());
  const auto of_episode = [&](std::size_t i) { return episodes.at(static_cast<std::int64_t>(lane[i]), 0).episode; };
  const bool draws_sheet = seen.paints && !seen.sheet.defined();
  std::vector<torch::Tensor> sheet, idle_pictures;
  torch::Tensor idle_end;
  const auto change = [&](const torch::Tensor& a, const torch::Tensor& b) {
    return doubles_of(seen.paints ? (a - b).abs().flatten(1).mean(1) : (a - b).norm(2, 1));
  };
  const auto held = [&](const std::vector<float>& values, std::uint64_t chance, std::size_t turn, bool pictures) {
    const auto steps = pictures ? std::max(seen.horizon, seen.shown.back()) : seen.horizon;
    const auto taken = torch::tensor(values)
                           .to(batch.action.device())
                           .expand({steps, starts.count(), static_cast<std::int64_t>(values.size())});
    torch::Tensor end;
    std::vector<torch::Tensor> row;
    imagine_on(model, starts.carry, taken, {}, inquiry.rng(chance), [&](std::int64_t k, const Carry& carry) {
      inquiry.at(from + (to - from) * static_cast<double>(turn) / static_cast<double>(actions.size() + 2),
                 "holds each action");
      const bool shown = pictures && std::ranges::count(seen.shown, k);
      if (k != seen.horizon && !shown) return;
      const auto made = looked_at(model, carry, seen.paints).to(torch::kCPU);
      if (k == seen.horizon) end = made;
      if (shown) row.push_back(made[0]);
    });
    return std::pair{end, row};
  };
  const auto idle = idle_of(space);
  std::tie(idle_end, idle_pictures) = held(idle, 400 + episodes.first, 0, draws_sheet);
  sheet = idle_pictures;
  const auto other_chance = change(held(idle, 450 + episodes.first, 1, false).first, idle_end);
  for (std::size_t i = 0; i < count; ++i)
    seen.effects[of_episode(i)] += 1, seen.chance[of_episode(i)] += other_chance[i];
  if (seen.paints) {
    const auto moved =
        change(unit_pictures(starts.of(batch.image, seen.horizon)), unit_pictures(starts.of(batch.image, 0)));
    for (std::size_t i = 0; i < count; ++i) seen.motion[of_episode(i)] += moved[i];
  }
  for (std::size_t a = 0; a < actions.size(); ++a) {
    const auto [end, row] = held(actions[a].values, 400 + episodes.first, a + 2, draws_sheet);
    const auto changed = change(end, idle_end);
    for (std::size_t i = 0; i < count; ++i) seen.effect[a][of_episode(i)] += changed[i];
    for (const auto& picture : row) sheet.push_back(picture);
    for (std::size_t i = 0; i < row.size(); ++i)
      sheet.push_back((0.5 + 0.5 * difference_gain * (row[i] - idle_pictures[i])).clamp(0, 1));
  }
  if (draws_sheet)
    seen.sheet = torch::stack(sheet),
    seen.sheet_from = episodes.at(static_cast<std::int64_t>(lane[0]), static_cast<std::int64_t>(step[0]));
}

void look_at_actions(Inquiry& inquiry, const Whole& episodes, const ActionSpace& space,
                     const std::vector<HeldAction>& actions, std::int64_t context, ActionsSeen& seen, double from,
                     double to, const std::string& doing) {
  auto& model = inquiry.model();
  const auto& batch = episodes.batch;
  const auto grow = [&](auto& of, const auto& like) {
    of.resize(episodes.first + static_cast<std::size_t>(batch.lanes()), like);
  };
  const std::vector<double> none(seen.compared.size(), 0);
  for (auto& way : seen.error) grow(way, none);
  grow(seen.still, none);
  for (auto* each : {&seen.starts, &seen.apart, &seen.moved, &seen.chance, &seen.motion, &seen.effects})
    grow(*each, 0.0);
  seen.effect.resize(actions.size());
  for (auto& each : seen.effect) grow(each, 0.0);

  const auto stride = std::max<std::int64_t>(1, (batch.steps() - 1 - context - seen.horizon) / starts_an_episode);
  const double middle = from + 0.4 * (to - from);
  std::vector<Watched> watched;
  std::vector<torch::Tensor> expected_at, features;
  torch::Tensor before, dreamt;
  const auto chance = inquiry.rng(700 + episodes.first);
  watch(model, batch, batch.steps(), inquiry.rng(episodes.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + (middle - from) * static_cast<double>(t) / static_cast<double>(batch.steps()), doing);
    if (t == 0 && batch.image.defined()) seen.paints = model.predict(carry).frame.defined();
    expected_at.push_back(expectation(model, carry, false).to(torch::kFloat32));
    // Every second step is there to read the action from, a real one and a dreamt one from the same state.
    if (before.defined()) {
      const auto after = readable(model, carry, seen.projection), action = as_targets(batch.action[t], space);
      for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) {
        if (!episodes.real(lane, t)) continue;
        seen.before.push_back(before[lane]), seen.after.push_back(after[lane]), seen.dreamt.push_back(dreamt[lane]),
            seen.action.push_back(action[lane]);
        seen.held_out.push_back(episodes.at(lane, t).episode % 2 == 1);
      }
      before = torch::Tensor();
    } else if (t >= context && t + 1 < batch.steps()) {
      before = readable(model, carry, seen.projection);
      dreamt = readable(model, model.imagine(carry, batch.action[t + 1], {}, chance), seen.projection);
    }
    if (!seen.paints) features.push_back(model.features(carry).to(torch::kFloat32));
    if (t >= context && (t - context) % stride == 0) watched.push_back({t, carry});
  });
  if (episodes.first == 0 && inquiry.elapsed() > slow * inquiry.seconds()) seen.every = starts_an_episode / few_starts;
  if (seen.every > 1) {
    std::vector<Watched> thinned;
    for (std::size_t i = 0; i < watched.size(); i += seen.every) thinned.push_back(watched[i]);
    watched = thinned;
  }
  const auto starts = starts_from(watched, episodes, seen.horizon);
  if (starts.count() < 2) return;
  const auto expected = torch::stack(expected_at);
  const auto truth = starts.actions(batch, 1)[0], other = truth.roll(1, 0);
  const auto lane = doubles_of(starts.lane),
             moved = doubles_of((starts.of(expected, 1) - starts.of(expected, 0)).norm(2, 1)),
             differs = doubles_of((truth != other).any(-1));
  for (std::size_t i = 0; i < lane.size(); ++i) {
    if (differs[i] > 0) seen.moved[episodes.at(static_cast<std::int64_t>(lane[i]), 0).episode] += moved[i];
  }
  compare_actions(inquiry, episodes, starts, space, seen.paints ? torch::Tensor() : torch::stack(features), seen,
                  middle, middle + 0.3 * (to - from));

  // A few moments of each episode, the later ones as well.
  std::vector<Watched> few;
  const auto every = std::max<std::size_t>(1, watched.size() / static_cast<std::size_t>(effect_starts));
  for (std::size_t i = every / 2; i < watched.size(); i += every) few.push_back(watched[i]);
  if (const auto some = starts_from(few, episodes, seen.horizon); some.count() > 0)  // what really moves is held against it
    hold_actions(inquiry, episodes, some, actions, space, seen, middle + 0.3 * (to - from), to);
}

void ask_actions(Inquiry& inquiry, LabAnswer& answer) {
  const auto spaces = inquiry.system().make_env()->spaces();
  const auto space = inquiry.model().actions(spaces);
  if (space.axes != spaces.action.axes || space.choices != spaces.action.choices)
    throw Error("this model has found actions of its own: what the real world's do in it cannot be told");
  const auto actions = held_actions(space);
  ActionsSeen seen;
  std::int64_t context = 0;
  for (std::size_t count = HeldOut::group; count <= action_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / action_episodes,
                 share = static_cast<double>(HeldOut::group) / action_episodes;
    const auto& all = inquiry.episodes(count, from, from + share / 3);
    if (first == 0) {
      context = std::min(context_of(all, spaces), longest_action_context);
      seen.horizon = horizon_within(all, context, action_horizon);
      if (seen.horizon < 1) throw Error("the episodes end before anything could be imagined");
      for (const auto k : held_for)
        if (k <= 2 * seen.horizon) seen.shown.push_back(k);
      for (const auto k : compared_steps)
        if (k <= seen.horizon) seen.compared.push_back(k);
      seen.worst.resize(seen.compared.size()), seen.worst_error.resize(seen.worst.size(), -1);
    }
    std::vector<std::vector<float>> taken;
    for (const auto& each : all)
      for (std::size_t i = 0; i < each.data.actions.size() && taken.size() < 2; i += space.size()) {
        const std::vector<float> one(each.data.actions.begin() + static_cast<std::ptrdiff_t>(i),
                                     each.data.actions.begin() + static_cast<std::ptrdiff_t>(i + space.size()));
        if (!std::ranges::count(taken, one)) taken.push_back(one);
      }
    seen.distinct = taken.size();
    look_at_actions(inquiry, whole(all, first, HeldOut::group, inquiry.system().device), space, actions, context, seen,
                    from + share / 3, from + share, "watches " + std::to_string(count) + " episodes");
    if (std::ranges::count(seen.starts, 0) == std::ssize(seen.starts)) continue;
    report_actions(space, actions, seen, inquiry, answer);
    inquiry.show(answer);
    if (!inquiry.time_for(1.2 * (inquiry.elapsed() - began))) break;
  }
  if (answer.numbers.empty()) throw Error("no held-out episode was long enough");
}

}  // namespace

Question question_actions() {
  return {"actions", "Does it listen to the actions?",
          "The dream under the true actions against others, and what each single action does to the picture.",
          lacks_true_actions, ask_actions};
}

}  // namespace dream
