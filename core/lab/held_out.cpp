#include "core/lab/held_out.h"

#include <algorithm>
#include <cstring>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/behaviours/pilot.h"
#include "core/behaviours/random_action.h"
#include "core/engine/lanes.h"
#include "core/engine/seeds.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::size_t most_numbers = 16;       // of a diagnostic that is kept beside every frame
constexpr std::int64_t usual_context = 60;     // as the player watches before a dream
constexpr std::int64_t random_action_for = 8;  // steps that a random action is held, so that it leads somewhere

void note_diagnostics(Episode& episode, const Env& env) {
  for (const auto& array : env.diagnostics()) {
    if (!array.each_step || array.values.empty() || array.values.size() > most_numbers) continue;
    auto& column = episode.extra[array.name];
    column.per_frame = true;
    column.width = static_cast<std::int64_t>(array.values.size());
    for (const double value : array.values) column.values.push_back(static_cast<float>(value));
  }
}

void look(LivedEpisode& lived, Env& env) {
  auto& data = lived.data;
  const auto at = data.frames.size();
  if (data.frame_bytes() > 0) {
    data.frames.resize(at + data.frame_bytes());
    env.observe_image({data.frames.data() + at, data.frame_bytes()});
  }
  const auto there = data.vectors.size();
  if (data.vector_size > 0) {
    data.vectors.resize(there + static_cast<std::size_t>(data.vector_size));
    env.observe_vector({data.vectors.data() + there, static_cast<std::size_t>(data.vector_size)});
  }
  note_diagnostics(data, env);
}

}  // namespace

struct HeldOut::Group {
  std::vector<std::unique_ptr<Env>> envs;
  std::vector<LivedEpisode> lived;
  at::Generator rng, chance;
  std::optional<Pilot> pilot;
  Carry carry;
  torch::Tensor action, reward, held;
  std::vector<char> over;
  std::int64_t step = 0;
  const LivedEpisode* given = nullptr;  // `group` episodes whose actions are done again
  bool expert = false;                  // the world's own drives; neither: the system does

  Group(System& system, std::uint64_t first);
  bool ended() const { return std::ranges::count(over, 0) == 0; }
  torch::Tensor act(System& system);
  void advance(System& system);
};

HeldOut::Group::Group(System& system, std::uint64_t first)
    : lived(group), rng(make_generator(system.device, 7 + first)), chance(make_generator(torch::kCPU, 11 + first)) {
  for (auto& each : lived) {
    envs.push_back(system.make_env());
    auto& data = each.data;
    const auto& spaces = envs.back()->spaces();
    data.seed = first_evaluation_seed + first + envs.size() - 1;
    data.height = spaces.image_height, data.width = spaces.image_width, data.channels = spaces.image_channels;
    if (spaces.image_bytes() == 0) data.height = data.width = data.channels = 0;
    data.vector_size = static_cast<int>(spaces.vector_names.size());
    data.action_size = static_cast<int>(spaces.action.size());
    envs.back()->reset(data.seed);
    look(each, *envs.back());
  }
  const auto& spaces = envs.front()->spaces();
  if (system.behaviour && (!system.model || system.model->actions(spaces).size() == spaces.action.size()))
    pilot.emplace(system.behaviour, group, Mode::judge);
  if (system.model) carry = system.model->initial(group);
  action = torch::zeros({group, static_cast<std::int64_t>(spaces.action.size())}), held = action;
  reward = torch::zeros({group});
  over.resize(lived.size(), 0);
}

/// What the behaviour does now, [group, A] on the CPU.
torch::Tensor HeldOut::Group::act(System& system) {
  if (given) {
    for (std::int64_t lane = 0; lane < group; ++lane) {
      const auto& actions = given[lane].data.actions;
      const auto from = static_cast<std::size_t>(step * held.size(1));
      for (std::int64_t axis = 0; axis < held.size(1) && from < actions.size(); ++axis)
        held[lane][axis] = actions[from + static_cast<std::size_t>(axis)];
    }
    return held.clone();
  }
  if (expert) {
    for (std::int64_t lane = 0; lane < group; ++lane)
      if (!over[static_cast<std::size_t>(lane)])
        envs[static_cast<std::size_t>(lane)]->expert({held.data_ptr<float>() + lane * held.size(1), static_cast<std::size_t>(held.size(1))});
    return held.clone();
  }
  if (!pilot) {
    if (step % random_action_for == 0)
      held = random_action(envs.front()->spaces().action, group, chance, torch::kCPU).contiguous();
    return held;
  }
  std::vector<torch::Tensor> images, vectors;
  for (const auto& each : lived) {
    const auto& data = each.data;
    const auto last = [&](const auto& all, std::size_t size) { return all.data() + all.size() - size; };
    if (data.frame_bytes() > 0)
      images.push_back(torch::from_blob(const_cast<std::uint8_t*>(last(data.frames, data.frame_bytes())),
                                        {data.height, data.width, data.channels}, torch::kUInt8));
    if (data.vector_size > 0)
      vectors.push_back(torch::from_blob(
          const_cast<float*>(last(data.vectors, static_cast<std::size_t>(data.vector_size))), {data.vector_size}));
  }
  Observation seen;
  if (!images.empty()) seen.image = torch::stack(images).to(system.device);
  if (!vectors.empty()) seen.vector = torch::stack(vectors).to(system.device);
  if (system.model) carry = system.model->observe(carry, action.to(system.device), seen, rng);
  return pilot->drive({system.model.get(), carry, seen, reward.to(system.device)}, rng)
      .to(torch::kCPU, torch::kFloat32)
      .contiguous();
}

void HeldOut::Group::advance(System& system) {
  torch::NoGradGuard no_grad;
  action = act(system);
  reward = torch::zeros({group});
  const auto axes = action.size(1);
  for (std::size_t lane = 0; lane < lived.size(); ++lane) {
    if (over[lane]) continue;
    auto& data = lived[lane].data;
    const auto* values = action.data_ptr<float>() + static_cast<std::int64_t>(lane) * axes;
    const auto result = envs[lane]->step({values, static_cast<std::size_t>(axes)});
    data.actions.insert(data.actions.end(), values, values + axes);
    data.rewards.push_back(result.reward);
    if (envs[lane]->spaces().costs) data.extra[cost_column].values.push_back(result.cost);
    data.terminated.push_back(result.terminated), data.truncated.push_back(result.truncated);
    reward[static_cast<std::int64_t>(lane)] = result.reward;
    look(lived[lane], *envs[lane]);
    over[lane] = result.done();
  }
  ++step;
}

HeldOut::HeldOut(System& system, std::int64_t most_steps, HeldOutDriver driver)
    : system_(system), most_steps_(most_steps), driver_(std::move(driver)) {
  if (driver_.expert) {
    const auto env = system_.make_env();
    env->reset(0);
    std::vector<float> tried(env->spaces().action.size());
    if (!env->expert(tried)) throw Error(system_.environment + " has no expert that could drive");
  }
  if (!driver_.run) return;
  if (driver_.run->environment != system_.environment)
    throw Error("who is to drive does so in " + driver_.run->environment + ", and this run is of " + system_.environment);
  const auto its = driver_.run->make_env()->spaces(), own = system_.make_env()->spaces();
  if (its.action.size() != own.action.size() || its.max_episode_steps != own.max_episode_steps)
    throw Error("who is to drive takes other steps than this run: perhaps another env.repeat");
  driven_by_it_ = std::make_unique<HeldOut>(*driver_.run, most_steps);
}
HeldOut::~HeldOut() = default;

HeldOut::Group& HeldOut::begin_group(const Between& between) {
  if (driven_) return *driven_;
  const auto first = episodes_.size();
  // Before there is a group: who is interrupted while the other drives must not go on driving here by himself.
  const LivedEpisode* given = nullptr;
  if (driven_by_it_) given = &driven_by_it_->first(first + group, [&](double) { if (between) between(0); })[first];
  driven_ = std::make_unique<Group>(system_, first);
  driven_->given = given;
  driven_->expert = driver_.expert;
  return *driven_;
}

namespace {

/// Its first `steps`, or all of it.
Episode beginning_of(const Episode& whole, std::size_t steps) {
  Episode cut = whole;
  steps = std::min(steps, whole.length());
  const auto keep = [](auto& rows, std::size_t count) { rows.resize(std::min(rows.size(), count)); };
  keep(cut.frames, (steps + 1) * whole.frame_bytes());
  keep(cut.vectors, (steps + 1) * static_cast<std::size_t>(whole.vector_size));
  keep(cut.actions, steps * static_cast<std::size_t>(whole.action_size));
  keep(cut.rewards, steps), keep(cut.terminated, steps), keep(cut.truncated, steps);
  for (auto& [name, column] : cut.extra)
    keep(column.values, column.rows(steps) * static_cast<std::size_t>(column.width));
  return cut;
}

LivedEpisode left_there(Episode lived) {
  if (!lived.ended() && lived.length() > 0) lived.truncated.back() = 1;
  auto actions = std::make_shared<const std::vector<float>>(lived.actions);
  return {std::move(lived), std::move(actions)};
}

}  // namespace

void HeldOut::end_group() {
  for (auto& each : driven_->lived) episodes_.push_back(left_there(std::move(each.data)));
  driven_.reset();
}

const std::vector<LivedEpisode>& HeldOut::first(std::size_t count, const Between& between) {
  const auto had = static_cast<double>(episodes_.size()), wanted = static_cast<double>(count) - had;
  while (episodes_.size() < count) {
    auto& driven = begin_group(between);
    while (driven.step < most_steps_ && !driven.ended()) {
      driven.advance(system_);
      const auto part = static_cast<double>(driven.step) / static_cast<double>(most_steps_);
      if (between) between(std::min(1.0, (static_cast<double>(episodes_.size()) - had + group * part) / wanted));
    }
    end_group();
  }
  return episodes_;
}

std::vector<LivedEpisode> HeldOut::glimpse(const Between& between, double seconds) {
  const double began = now_seconds();
  auto steps = glimpse_steps;
  bool goes_on = false;
  if (episodes_.empty()) {
    auto& driven = begin_group(between);
    while (driven.step < std::min(glimpse_steps, most_steps_) && !driven.ended()) {
      if (driven.step >= least_glimpse && now_seconds() - began > seconds) break;
      driven.advance(system_);
      if (between) between(static_cast<double>(driven.step) / glimpse_steps);
    }
    steps = std::min(steps, driven.step);
    goes_on = driven.step < most_steps_ && !driven.ended();
  } else {
    for (std::size_t lane = 0; lane < group; ++lane)
      goes_on = goes_on || static_cast<std::int64_t>(episodes_[lane].data.length()) > steps;
  }
  std::vector<LivedEpisode> begun;
  const auto& all = episodes_.empty() ? driven_->lived : episodes_;
  for (std::size_t lane = 0; goes_on && lane < group; ++lane)
    begun.push_back(left_there(beginning_of(all[lane].data, static_cast<std::size_t>(steps))));
  return begun;
}

LabMoment HeldOut::moment(const LivedEpisode& lived, std::int64_t step) const {
  return {system_.directory.string(), lived.data.seed, step, lived.actions};
}

LabMoment HeldOut::moment(std::size_t episode, std::int64_t step) const {
  return moment(episodes_.at(episode), step);
}

Stretches stretches(const std::vector<LivedEpisode>& episodes, std::int64_t length, std::int64_t each,
                    const torch::Device& device) {
  Stretches made;
  for (std::size_t e = 0; e < episodes.size(); ++e) {
    const auto fit = static_cast<std::int64_t>(episodes[e].data.length()) / length;
    for (std::int64_t piece = 0; piece < std::min(fit, each); ++piece) made.from.push_back({e, piece * length});
  }
  const auto lanes = static_cast<std::int64_t>(made.from.size());
  if (lanes == 0) return made;
  const auto& shape = episodes.front().data;
  const auto entries = length + 1;
  auto& batch = made.batch;
  const auto zeros = [&](torch::IntArrayRef size) { return torch::zeros(size); };
  batch.action = zeros({entries, lanes, shape.action_size});
  batch.reward = zeros({entries, lanes}), batch.terminated = zeros({entries, lanes});
  batch.last = zeros({entries, lanes}), batch.first = zeros({entries, lanes});
  if (shape.frame_bytes() > 0)
    batch.image = torch::empty({entries, lanes, shape.height, shape.width, shape.channels}, torch::kUInt8);
  if (shape.vector_size > 0) batch.vector = zeros({entries, lanes, shape.vector_size});
  for (const auto& [name, column] : shape.extra)
    if (column.per_frame) batch.extra[name] = zeros({entries, lanes, column.width});
  const bool costs = shape.extra.contains(cost_column);
  if (costs) made.cost = zeros({entries, lanes});
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto [e, begin] = made.from[static_cast<std::size_t>(lane)];
    const auto& data = episodes[e].data;
    const auto rows = [&](auto* values, std::int64_t first, std::int64_t count, std::int64_t width) {
      using Value = std::remove_pointer_t<decltype(values)>;
      return torch::from_blob(const_cast<std::remove_const_t<Value>*>(values) + first * width, {count, width},
                              torch::CppTypeToScalarType<std::remove_const_t<Value>>::value);
    };
    const auto put = [&](torch::Tensor& into, std::int64_t at, const torch::Tensor& values) {
      auto place = into.slice(0, at, at + values.size(0)).select(1, lane);
      place.copy_(values.view(place.sizes()));
    };
    if (batch.image.defined())
      put(batch.image, 0, rows(data.frames.data(), begin, entries, static_cast<std::int64_t>(data.frame_bytes())));
    if (batch.vector.defined()) put(batch.vector, 0, rows(data.vectors.data(), begin, entries, data.vector_size));
    put(batch.action, 1, rows(data.actions.data(), begin, length, data.action_size));
    put(batch.reward, 1, rows(data.rewards.data(), begin, length, 1));
    put(batch.terminated, 1, rows(data.terminated.data(), begin, length, 1));
    put(batch.last, 1, rows(data.terminated.data(), begin, length, 1) | rows(data.truncated.data(), begin, length, 1));
    if (costs) put(made.cost, 1, rows(data.extra.at(cost_column).values.data(), begin, length, 1));
    batch.first[0][lane] = 1;
    for (auto& [name, column] : batch.extra) {
      const auto& there = data.extra.at(name);
      put(column, 0, rows(there.values.data(), begin, entries, there.width));
    }
  }
  batch = batch.to(device);
  return made;
}

std::int64_t context_of(const std::vector<LivedEpisode>& episodes, const Spaces& spaces) {
  std::vector<std::int64_t> lengths;
  for (const auto& each : episodes) lengths.push_back(static_cast<std::int64_t>(each.data.length()));
  std::ranges::sort(lengths);
  const auto usual = lengths.empty() ? 0 : lengths[lengths.size() / 2];
  auto context = std::min(usual_context, usual / 4);
  if (spaces.max_episode_steps > 0)
    context = std::min<std::int64_t>(context, std::max(1, spaces.max_episode_steps / 10));
  return std::max<std::int64_t>(1, context);
}

std::int64_t horizon_within(const std::vector<LivedEpisode>& episodes, std::int64_t context, std::int64_t wished) {
  std::vector<std::int64_t> lengths;
  for (const auto& each : episodes) lengths.push_back(static_cast<std::int64_t>(each.data.length()) - context);
  std::ranges::sort(lengths);
  return lengths.empty() ? 0 : std::clamp<std::int64_t>(lengths[lengths.size() / 2], 0, wished);
}

torch::Tensor unit_pictures(const torch::Tensor& images) {
  return images.movedim(-1, -3).to(torch::kFloat32).div(255);
}

}  // namespace dream
