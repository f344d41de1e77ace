#include "core/engine/experience.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "api/error.h"
#include "core/behaviours/random_action.h"
#include "core/engine/counters.h"
#include "core/engine/seeds.h"

namespace dream {
namespace {

template <typename Element>
torch::Tensor tensor_of(const std::vector<Element>& values, torch::Dtype type) {
  return torch::from_blob(const_cast<Element*>(values.data()), {static_cast<std::int64_t>(values.size())}, type)
      .clone();
}

template <typename Element>
std::vector<Element> values_of(const torch::Tensor& flat) {
  const auto tensor = flat.contiguous();
  const auto* begin = static_cast<const Element*>(tensor.const_data_ptr());
  return {begin, begin + tensor.numel()};
}

template <typename Element>
std::vector<Element> values_of(const Checkpoint& from, const std::string& name, torch::Dtype type) {
  const auto tensor = from.exact(name, {-1});
  if (tensor.scalar_type() != type) throw Error(from.origin + ": '" + name + "' has another type than an episode has");
  return values_of<Element>(tensor);
}

void store_episode(Checkpoint& into, const std::string& prefix, const Episode& e) {
  into.tensors[prefix + "seed"] = torch::tensor({static_cast<std::int64_t>(e.seed)}, torch::kInt64);
  into.tensors[prefix + "frames"] = tensor_of(e.frames, torch::kUInt8);
  into.tensors[prefix + "vectors"] = tensor_of(e.vectors, torch::kFloat32);
  into.tensors[prefix + "actions"] = tensor_of(e.actions, torch::kFloat32);
  into.tensors[prefix + "rewards"] = tensor_of(e.rewards, torch::kFloat32);
  into.tensors[prefix + "states"] = tensor_of(e.states, torch::kBFloat16);
  for (const auto& [name, column] : e.extra) {
    into.tensors[prefix + "extra/" + name] = tensor_of(column.values, torch::kFloat32).view({-1, column.width});
  }
}

/// `like` gives the sizes; an episode under way has not ended at any of its steps.
Episode load_episode(const Checkpoint& from, const std::string& prefix, Episode like, const ActionSpace& space) {
  like.seed = static_cast<std::uint64_t>(from.exact(prefix + "seed", {1}).item<std::int64_t>());
  like.frames = values_of<std::uint8_t>(from, prefix + "frames", torch::kUInt8);
  like.vectors = values_of<float>(from, prefix + "vectors", torch::kFloat32);
  like.actions = values_of<float>(from, prefix + "actions", torch::kFloat32);
  like.rewards = values_of<float>(from, prefix + "rewards", torch::kFloat32);
  // A run of before they were kept has none.
  if (from.tensors.contains(prefix + "states")) {
    like.states = values_of<std::uint16_t>(from, prefix + "states", torch::kBFloat16);
  }
  const auto steps = like.rewards.size();
  like.terminated.assign(steps, 0);
  like.truncated.assign(steps, 0);
  const bool fits = like.actions.size() == steps * static_cast<std::size_t>(like.action_size) &&
                    like.frames.size() == (steps + 1) * like.frame_bytes() &&
                    like.vectors.size() == (steps + 1) * static_cast<std::size_t>(like.vector_size);
  if (!fits) throw Error(from.origin + ": the episode under '" + prefix + "' has parts of different lengths");
  const auto finite = [](float x) { return std::isfinite(x); };
  const auto columns = prefix + "extra/";
  for (auto at = from.tensors.lower_bound(columns); at != from.tensors.end() && at->first.starts_with(columns); ++at) {
    const auto name = at->first.substr(columns.size());
    const auto rows = from.get(at->first, {-1, -1});
    const auto count = static_cast<std::size_t>(rows.size(0));
    if (!is_column_name(name) || rows.scalar_type() != torch::kFloat32 || (count != steps && count != steps + 1) ||
        rows.size(1) < 1 || !rows.isfinite().all().item<bool>()) {
      throw Error(from.origin + ": '" + at->first + "' must hold finite numbers for each of the episode's steps");
    }
    like.extra[name] = {rows.size(1), count > steps, values_of<float>(from.tensors.at(at->first).flatten())};
  }
  for (const auto& [name, values] :
       {std::pair{"vectors", &like.vectors}, {"actions", &like.actions}, {"rewards", &like.rewards}}) {
    if (!std::ranges::all_of(*values, finite)) {
      throw Error(from.origin + ": '" + prefix + name + "' holds a number that is not finite");
    }
  }
  const auto choices = static_cast<float>(space.choices.size());
  if (space.discrete() && !std::ranges::all_of(like.actions, [&](float a) {
        return a >= 0 && a < choices && a == std::floor(a);
      })) {
    throw Error(from.origin + ": '" + prefix + "actions' holds an action that is none of the " +
                std::to_string(space.choices.size()) + " choices");
  }
  return like;
}

}  // namespace

Experience::Experience(Options options, System& system, Sink lived)
    : options_(std::move(options)),
      system_(system),
      lived_(std::move(lived)),
      lanes_(system.model, system.device, system.make_env, options_.lanes, options_.rng.fork("lanes").next64()),
      pilot_(system.behaviour, options_.lanes, Mode::collect),
      generator_(make_generator(system.device, options_.rng.fork("behaviour").next64())) {
  torch::NoGradGuard no_grad;
  lanes_.outlive_faults();
  if (options_.keep_states) {
    initial_ = system.model->initial(1);
    state_size_ = static_cast<std::size_t>(rows_of(initial_, initial_).size(1));
  }
  const auto& spaces = lanes_.envs().spaces();
  writer_ = std::make_unique<DatasetWriter>(options_.directory, DatasetInfo{system.environment, system.recipe, spaces});
  if (options_.keep_found) started_ = episodes_ = static_cast<std::int64_t>(writer_->episodes());
  for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
    recorders_.emplace_back(spaces, static_cast<int>(lane));
    assign(lane);
  }
}

Experience::~Experience() = default;

void Experience::assign(std::int64_t lane) {
  const auto seed = options_.rng.fork(static_cast<std::uint64_t>(started_++)).integers(first_evaluation_seed);
  lanes_.start(lane, seed);
  pilot_.start(lane);
  recorders_[static_cast<std::size_t>(lane)].begin(seed, lanes_.envs().observation_of(lane));
}

torch::Tensor Experience::choose(const Seen& seen) {
  if (steps_ >= options_.prefill) return pilot_.drive(seen, generator_);
  return random_action(lanes_.envs().spaces().action, options_.lanes, generator_, system_.device);
}

std::vector<Experience::Done> Experience::step() {
  torch::NoGradGuard no_grad;
  const auto seen = lanes_.look();
  if (options_.keep_states) {
    const auto rows = rows_of(seen.carry, initial_);
    for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
      recorders_[static_cast<std::size_t>(lane)].remember(rows[lane]);
    }
  }
  const bool driven = steps_ >= options_.prefill;
  const auto actions = choose(seen).to(torch::kCPU, torch::kFloat32).contiguous();
  const auto record = driven ? pilot_.record() : Carry{};
  const auto results = lanes_.step(actions, std::vector<char>(static_cast<std::size_t>(options_.lanes), 1));
  steps_ += options_.lanes;
  std::vector<Done> done;
  for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
    const auto index = static_cast<std::size_t>(lane);
    auto& recorder = recorders_[index];
    recorder.add(actions[lane], results[index], lanes_.envs().observation_of(lane), select_lane(record, lane));
    auto piece = recorder.news();
    if (results[index].done()) {
      const auto episode = recorder.take();
      done.push_back({std::accumulate(episode.rewards.begin(), episode.rewards.end(), 0.0),
                      static_cast<std::int64_t>(episode.length()), episode.cost()});
      writer_->append(episode);
      ++episodes_;
      assign(lane);
    }
    lived_(std::move(piece));
  }
  return done;
}

void Experience::save(Checkpoint& into, const std::string& prefix) const {
  into.tensors[prefix + "counters"] = torch::tensor({steps_, started_, episodes_}, torch::kInt64);
  store_generator(into, prefix + "generator", generator_);
  lanes_.save(into, prefix + "lanes/");
  pilot_.save(into, prefix + "memory/");
  for (std::size_t i = 0; i < recorders_.size(); ++i) {
    store_episode(into, prefix + "episode" + std::to_string(i) + "/", recorders_[i].episode());
  }
}

Experience::Counters Experience::counters_in(const Checkpoint& from, const std::string& prefix) {
  if (!from.tensors.contains(prefix + "counters")) return {};
  const auto c = counters_of(from, prefix + "counters", {"steps", "begun episodes", "ended episodes"});
  return {c[0], c[1], c[2]};
}

void Experience::begin_anew(bool came_later) {
  if (!came_later && writer_->episodes() > 0) {
    throw Error(options_.directory.string() + " holds " + std::to_string(writer_->episodes()) +
                " episodes that this run's checkpoint does not know; move them away to begin anew");
  }
  writer_->keep(0);
}

void Experience::load(const Checkpoint& from, const std::string& prefix, std::int64_t ended_steps) {
  const auto counters = counters_in(from, prefix);
  std::vector<Episode> under_way;
  auto steps = ended_steps;
  for (std::size_t i = 0; i < recorders_.size(); ++i) {
    auto episode = load_episode(from, prefix + "episode" + std::to_string(i) + "/", recorders_[i].episode(),
                                lanes_.envs().spaces().action);
    episode.states.resize(options_.keep_states ? episode.length() * state_size_ : 0);
    steps += static_cast<std::int64_t>(episode.length());
    under_way.push_back(std::move(episode));
  }
  const auto there = static_cast<std::int64_t>(writer_->episodes());
  if (there < counters.ended) {
    throw Error(options_.directory.string() + " holds " + std::to_string(there) + " episodes; the checkpoint " +
                from.origin + " goes on after " + std::to_string(counters.ended));
  }
  const auto expect = [&](const char* what, std::int64_t found, std::int64_t expected) {
    if (found == expected) return;
    throw Error(from.origin + ": '" + prefix + "counters' counts " + std::to_string(found) + " " + what + ", and " +
                std::to_string(expected) + " were expected by its episodes and those in " +
                options_.directory.string() + "; nothing was changed");
  };
  expect("steps", counters.steps, steps);
  expect("begun episodes", counters.started, counters.ended + options_.lanes);
  lanes_.load(from, prefix + "lanes/");
  pilot_.load(from, prefix + "memory/");
  load_generator(from, prefix + "generator", generator_);
  writer_->keep(static_cast<std::size_t>(counters.ended));  // all has been judged
  steps_ = counters.steps, started_ = counters.started, episodes_ = counters.ended;
  for (std::size_t i = 0; i < recorders_.size(); ++i) {
    recorders_[i].resume(std::move(under_way[i]));
    // The learner has been told of it with its first step.
    if (recorders_[i].steps() > 0) lived_(recorders_[i].news());
  }
}

}  // namespace dream
