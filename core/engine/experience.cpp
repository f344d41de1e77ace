#include "core/engine/experience.h"

#include <algorithm>
#include <numeric>

#include "api/error.h"
#include "core/behaviours/random_action.h"
#include "core/engine/seeds.h"

namespace dream {
namespace {

template <typename Element>
torch::Tensor tensor_of(const std::vector<Element>& values, torch::Dtype type) {
  return torch::from_blob(const_cast<Element*>(values.data()), {static_cast<std::int64_t>(values.size())}, type)
      .clone();
}

template <typename Element>
std::vector<Element> values_of(const Checkpoint& from, const std::string& name, torch::Dtype type) {
  const auto tensor = from.exact(name, {-1}).contiguous();
  if (tensor.scalar_type() != type) throw Error(from.origin + ": '" + name + "' has another type than an episode has");
  const auto* begin = static_cast<const Element*>(tensor.const_data_ptr());
  return {begin, begin + tensor.numel()};
}

void store_episode(Checkpoint& into, const std::string& prefix, const Episode& e) {
  into.tensors[prefix + "seed"] = torch::tensor({static_cast<std::int64_t>(e.seed)}, torch::kInt64);
  into.tensors[prefix + "frames"] = tensor_of(e.frames, torch::kUInt8);
  into.tensors[prefix + "vectors"] = tensor_of(e.vectors, torch::kFloat32);
  into.tensors[prefix + "actions"] = tensor_of(e.actions, torch::kFloat32);
  into.tensors[prefix + "rewards"] = tensor_of(e.rewards, torch::kFloat32);
  into.tensors[prefix + "states"] = tensor_of(e.states, torch::kBFloat16);
}

/// `like` gives the sizes; an episode under way has not ended at any of its steps.
Episode load_episode(const Checkpoint& from, const std::string& prefix, Episode like) {
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
  return like;
}

}  // namespace

Experience::Experience(Options options, System& system, Sink finished)
    : options_(std::move(options)),
      system_(system),
      finished_(std::move(finished)),
      lanes_(system.model, system.device, system.make_env, options_.lanes, options_.rng.fork("lanes").next64()),
      pilot_(system.behaviour, options_.lanes, Mode::collect),
      generator_(make_generator(system.device, options_.rng.fork("behaviour").next64())) {
  torch::NoGradGuard no_grad;
  initial_ = system.model->initial(1);
  state_size_ = static_cast<std::size_t>(rows_of(initial_, initial_).size(1));
  const auto& spaces = lanes_.envs().spaces();
  writer_ = std::make_unique<DatasetWriter>(options_.directory, DatasetInfo{system.environment, system.recipe, spaces});
  if (options_.after_disk) started_ = episodes_ = static_cast<std::int64_t>(writer_->episodes());
  for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
    recorders_.emplace_back(spaces);
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
  const auto actions = choose(seen).to(torch::kCPU, torch::kFloat32).contiguous();
  const auto results = lanes_.step(actions, std::vector<char>(static_cast<std::size_t>(options_.lanes), 1));
  steps_ += options_.lanes;
  std::vector<Done> done;
  for (std::int64_t lane = 0; lane < options_.lanes; ++lane) {
    const auto index = static_cast<std::size_t>(lane);
    auto& recorder = recorders_[index];
    recorder.add(actions[lane], results[index], lanes_.envs().observation_of(lane));
    if (!results[index].done()) continue;
    auto episode = recorder.take();
    done.push_back({std::accumulate(episode.rewards.begin(), episode.rewards.end(), 0.0),
                    static_cast<std::int64_t>(episode.length())});
    writer_->append(episode);
    ++episodes_;
    finished_(std::move(episode));
    assign(lane);
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

std::int64_t Experience::finished_in(const Checkpoint& from, const std::string& prefix) {
  return from.tensors.contains(prefix + "counters") ? from.get(prefix + "counters", {3})[2].item<std::int64_t>() : 0;
}

void Experience::load_steps(const Checkpoint& from, const std::string& prefix) {
  steps_ = from.get(prefix + "counters", {3})[0].item<std::int64_t>();
}

void Experience::load(const Checkpoint& from, const std::string& prefix) {
  const auto counters = from.get(prefix + "counters", {3}).to(torch::kInt64).contiguous();
  const auto* c = counters.data_ptr<std::int64_t>();
  std::vector<Episode> under_way;
  for (std::size_t i = 0; i < recorders_.size(); ++i) {
    auto episode = load_episode(from, prefix + "episode" + std::to_string(i) + "/", recorders_[i].episode());
    episode.states.resize(options_.keep_states ? episode.length() * state_size_ : 0);
    under_way.push_back(std::move(episode));
  }
  if (static_cast<std::int64_t>(writer_->episodes()) < c[2]) {
    throw Error(options_.directory.string() + " holds " + std::to_string(writer_->episodes()) +
                " episodes; the checkpoint " + from.origin + " goes on after " + std::to_string(c[2]));
  }
  writer_->keep(static_cast<std::size_t>(c[2]));
  episodes_ = c[2];
  lanes_.load(from, prefix + "lanes/");
  pilot_.load(from, prefix + "memory/");
  load_generator(from, prefix + "generator", generator_);
  for (std::size_t i = 0; i < recorders_.size(); ++i) recorders_[i].resume(std::move(under_way[i]));
  steps_ = c[0];
  started_ = c[1];
}

}  // namespace dream
