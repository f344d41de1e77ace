#include "core/engine/lanes.h"

#include <cstring>
#include <exception>
#include <mutex>

#include "api/error.h"
#include "core/behaviours/random_action.h"
#include "core/env/world_fault.h"
#include "core/nn/threads.h"

namespace dream {
namespace {

/// Bytes of several lanes as one tensor [total] with their ends [L].
void store_bytes(Checkpoint& into, const std::string& name, const std::vector<std::vector<std::byte>>& parts) {
  std::vector<std::int64_t> ends;
  std::int64_t total = 0;
  for (const auto& part : parts) ends.push_back(total += static_cast<std::int64_t>(part.size()));
  auto bytes = torch::empty({total}, torch::kUInt8);
  auto* to = bytes.data_ptr<std::uint8_t>();
  for (const auto& part : parts) {
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  into.tensors[name] = bytes;
  into.tensors[name + "_ends"] = torch::tensor(ends, torch::kInt64);
}

std::vector<std::vector<std::byte>> load_bytes(const Checkpoint& from, const std::string& name, std::int64_t lanes) {
  const auto bytes = from.get(name, {-1}).contiguous();
  const auto ends = from.get(name + "_ends", {lanes}).contiguous();
  if (bytes.scalar_type() != torch::kUInt8 || ends.scalar_type() != torch::kInt64) {
    throw Error(from.origin + ": '" + name + "' has another type than environment states have");
  }
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data_ptr<std::uint8_t>());
  std::vector<std::vector<std::byte>> parts;
  std::int64_t first = 0;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto end = ends.data_ptr<std::int64_t>()[lane];
    if (end < first || end > bytes.numel())
      throw Error(from.origin + ": '" + name + "_ends' does not rise within the data");
    parts.emplace_back(data + first, data + end);
    first = end;
  }
  return parts;
}

torch::Tensor load_rewards(const Checkpoint& from, const std::string& prefix, const torch::Tensor& like) {
  return finite_tensor(from, prefix + "last_reward", like.sizes()).to(like.device());
}

}  // namespace


EnvLanes::EnvLanes(const std::function<std::unique_ptr<Env>()>& make, std::int64_t count, torch::Device device)
    : in_a_row_(static_cast<std::size_t>(count)) {
  for (std::int64_t lane = 0; lane < count; ++lane) envs_.push_back(make());
  const auto& seen = spaces();
  if (seen.image_bytes() > 0)
    images_ = torch::zeros({count, seen.image_height, seen.image_width, seen.image_channels},
                           torch::TensorOptions(torch::kUInt8).pinned_memory(device.is_cuda()));
  if (seen.goals) goals_ = torch::zeros_like(images_);
  if (!seen.vector_names.empty()) vectors_ = torch::zeros({count, static_cast<std::int64_t>(seen.vector_names.size())});
}

void EnvLanes::observe(std::int64_t lane) {
  const auto index = static_cast<std::size_t>(lane);
  const auto bytes = spaces().image_bytes(), values = spaces().vector_names.size();
  if (bytes > 0) envs_[index]->observe_image({images_.data_ptr<std::uint8_t>() + index * bytes, bytes});
  if (goals_.defined()) envs_[index]->observe_goal({goals_.data_ptr<std::uint8_t>() + index * bytes, bytes});
  if (values > 0) envs_[index]->observe_vector({vectors_.data_ptr<float>() + index * values, values});
}

Observation EnvLanes::observation(const torch::Device& device) const {
  return Observation{images_, vectors_, goals_}.to(device);
}

void EnvLanes::begin(std::int64_t lane, std::uint64_t seed) {
  envs_[static_cast<std::size_t>(lane)]->reset(seed);
  observe(lane);
}

void EnvLanes::start(std::int64_t lane, std::uint64_t seed) {
  try {
    begin(lane, seed);
  } catch (const WorldFault&) {
    if (!outlives_) throw;
    begin(lane, seed);  // one that has died begins in another process
  }
}

void EnvLanes::start_all(const std::vector<Lanes::Start>& starts) {
  for (const auto& [lane, seed] : starts) {
    try {
      envs_[static_cast<std::size_t>(lane)]->begin_reset(seed);
    } catch (const WorldFault&) {
      if (!outlives_) throw;  // else start() tries it again
    }
  }
  on_all_threads(static_cast<std::int64_t>(starts.size()), [&](std::int64_t index) {
    const auto& [lane, seed] = starts[static_cast<std::size_t>(index)];
    start(lane, seed);
  });
}

void EnvLanes::on_all_threads(std::int64_t count, const std::function<void(std::int64_t)>& work) const {
  std::exception_ptr failure;
  std::mutex failure_guard;
  on_threads(count, 1, [&](std::int64_t first, std::int64_t last) {
    for (auto index = first; index < last; ++index) {
      try {
        work(index);
      } catch (...) {
        std::lock_guard lock(failure_guard);
        failure = std::current_exception();
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
}

Observation EnvLanes::observation_of(std::int64_t lane) const {
  return {images_.defined() ? images_[lane] : images_, vectors_.defined() ? vectors_[lane] : vectors_};
}

torch::Tensor EnvLanes::experts() const {
  const auto size = spaces().action.size();
  auto actions = torch::zeros({count(), static_cast<std::int64_t>(size)});
  for (std::size_t lane = 0; lane < envs_.size(); ++lane) {
    if (!envs_[lane]->expert({actions.data_ptr<float>() + lane * size, size})) return {};
  }
  return actions;
}

std::vector<StepResult> EnvLanes::step(const torch::Tensor& actions, const std::vector<char>& active) {
  const auto flat = actions.to(torch::kFloat32).contiguous();
  const auto size = static_cast<std::size_t>(flat.size(1));
  const float* data = flat.data_ptr<float>();
  std::vector<StepResult> results(envs_.size());
  for (std::size_t index = 0; index < envs_.size(); ++index)
    if (active[index]) envs_[index]->begin_step({data + index * size, size});
  constexpr int most_in_a_row = 3;
  std::mutex guard;
  on_all_threads(count(), [&](std::int64_t lane) {
    const auto index = static_cast<std::size_t>(lane);
    if (!active[index]) return;
    try {
      results[index] = envs_[index]->step({data + index * size, size});
      observe(lane);
      in_a_row_[index] = 0;
    } catch (const WorldFault& fault) {
      if (!outlives_ || ++in_a_row_[index] >= most_in_a_row) throw;
      results[index] = {.truncated = true};
      const std::lock_guard lock(guard);
      ++faults_.count, faults_.last = fault.what();
    }
  });
  return results;
}

std::string EnvLanes::Faults::told() const {
  if (count == 0) return "";
  return std::to_string(count) + (count == 1 ? " episode was" : " episodes were") + " broken off by the world, and the next begun: " + last;
}

void EnvLanes::save(Checkpoint& into, const std::string& prefix) const {
  std::vector<std::vector<std::byte>> states;
  for (const auto& env : envs_) states.push_back(env->save_state());
  store_bytes(into, prefix + "env", states);
}

void EnvLanes::load(const Checkpoint& from, const std::string& prefix) {
  const auto states = load_bytes(from, prefix + "env", count());
  for (std::int64_t lane = 0; lane < count(); ++lane) {
    try {
      envs_[static_cast<std::size_t>(lane)]->load_state(states[static_cast<std::size_t>(lane)]);
    } catch (const Error& error) {
      throw Error(from.origin + ": '" + prefix + "env', lane " + std::to_string(lane + 1) + ": " + error.what());
    }
    observe(lane);
  }
}

RealLanes::RealLanes(std::shared_ptr<WorldModel> model, torch::Device device,
                     const std::function<std::unique_ptr<Env>()>& make, std::int64_t count, std::uint64_t seed)
    : model_(std::move(model)), device_(device), envs_(make, count, device), rng_(make_generator(device, seed)) {
  torch::NoGradGuard no_grad;
  if (model_) carry_ = model_->initial(count);
  last_reward_ = torch::zeros({count}, device_);
  previous_action_ = torch::zeros({count, static_cast<std::int64_t>(envs_.spaces().action.size())}, device_);
  std::vector<Start> all;
  for (std::int64_t lane = 0; lane < count; ++lane) all.push_back({lane, 0});
  envs_.start_all(all);
}

void RealLanes::start_all(const std::vector<Start>& starts) {
  if (starts.empty()) return;
  envs_.start_all(starts);
  auto begins = torch::zeros({count()}, torch::kBool);
  for (const auto& start : starts) begins.data_ptr<bool>()[start.lane] = true;
  const auto fresh = begins.to(device_);
  if (model_) carry_ = where_fresh(fresh, model_->initial(count()), carry_);
  last_reward_ = last_reward_.masked_fill(fresh, 0);
}

Seen RealLanes::look() {
  torch::NoGradGuard no_grad;
  auto observation = envs_.observation(device_);
  if (model_) carry_ = model_->observe(carry_, previous_action_, observation, rng_);
  return {model_.get(), carry_, std::move(observation), last_reward_};
}

std::vector<StepResult> RealLanes::step(const torch::Tensor& actions, const std::vector<char>& active) {
  previous_action_ = actions.to(device_);
  auto results = envs_.step(actions, active);
  auto rewards = torch::zeros({count()});
  for (std::size_t lane = 0; lane < results.size(); ++lane) rewards.data_ptr<float>()[lane] = results[lane].reward;
  last_reward_ = rewards.to(device_);
  return results;
}

void RealLanes::save(Checkpoint& into, const std::string& prefix) const {
  envs_.save(into, prefix);
  if (model_) store_carry(into, prefix + "carry_", carry_, model_->initial(count()));
  into.tensors[prefix + "previous_action"] = previous_action_;
  into.tensors[prefix + "last_reward"] = last_reward_;
  store_generator(into, prefix + "rng", rng_);
}

void RealLanes::load(const Checkpoint& from, const std::string& prefix) {
  const auto carry = model_ ? load_carry(from, prefix + "carry_", model_->initial(count())) : Carry{};
  const auto action = finite_tensor(from, prefix + "previous_action", previous_action_.sizes()).to(device_);
  const auto reward = load_rewards(from, prefix, last_reward_);
  envs_.load(from, prefix);
  load_generator(from, prefix + "rng", rng_);
  carry_ = carry;
  previous_action_ = action;
  last_reward_ = reward;
}

Carry starts_in_world(std::shared_ptr<WorldModel> model, torch::Device device, const std::function<std::unique_ptr<Env>()>& make,
                      std::int64_t count, std::uint64_t seed) {
  constexpr std::int64_t apart = 3;  // steps
  torch::NoGradGuard no_grad;
  RealLanes lanes(std::move(model), device, make, count, seed);
  std::vector<Lanes::Start> begins;
  for (std::int64_t lane = 0; lane < count; ++lane) begins.push_back({lane, seed + static_cast<std::uint64_t>(lane)});
  lanes.start_all(begins);
  auto rng = make_generator(device, seed);
  std::vector<char> going(static_cast<std::size_t>(count), 1);
  Carry starts;
  const auto take = [&](std::int64_t lane) {
    starts = begun_anew(lane, lanes.carry(), starts);
    going[static_cast<std::size_t>(lane)] = 0;
  };
  for (std::int64_t step = 0; step <= apart * (count - 1); ++step) {
    lanes.look();
    if (starts.empty()) starts = lanes.carry();
    if (step % apart == 0 && going[static_cast<std::size_t>(step / apart)]) take(step / apart);
    const auto results = lanes.step(random_action(lanes.envs().spaces().action, count, rng, torch::kCPU), going);
    for (std::int64_t lane = 0; lane < count; ++lane)  // whose episode ends before begins from its last state that goes on
      if (const auto index = static_cast<std::size_t>(lane); going[index] && results[index].done()) take(lane);
  }
  return starts;
}

DreamLanes::DreamLanes(std::shared_ptr<WorldModel> model, Carry starts, std::int64_t count, std::int64_t max_steps,
                       const KnobValues& knobs, std::uint64_t seed)
    : model_(std::move(model)),
      starts_(std::move(starts)),
      max_steps_(max_steps),
      knobs_(knobs),
      age_(static_cast<std::size_t>(count)) {
  torch::NoGradGuard no_grad;
  carry_ = model_->initial(count);
  if (starts_.empty()) throw Error("this run keeps no start states for dreams; train its model first");
  if (!model_->outcome(carry_).reward.defined()) {
    throw Error("this model predicts no reward, so a dream has no score; train it with m.heads=true");
  }
  const auto device = carry_.begin()->second.device();
  last_reward_ = torch::zeros({count}, device);
  rng_ = make_generator(device, seed);
}

void DreamLanes::start_all(const std::vector<Start>& starts) {
  if (starts.empty()) return;
  const auto known = static_cast<std::uint64_t>(starts_.begin()->second.size(0));
  std::vector<std::int64_t> lanes, which;
  for (const auto& [lane, seed] : starts) {
    lanes.push_back(lane);
    which.push_back(static_cast<std::int64_t>(seed % known));
    age_[static_cast<std::size_t>(lane)] = 0;
  }
  const auto device = carry_.begin()->second.device();
  const auto to = torch::tensor(lanes, torch::kInt64).to(device), from = torch::tensor(which, torch::kInt64).to(device);
  for (auto& [name, tensor] : carry_) tensor = tensor.index_copy(0, to, starts_.at(name).index_select(0, from));
  last_reward_ = last_reward_.index_fill(0, to, 0);
}

Seen DreamLanes::look() {
  return {model_.get(), carry_, {}, last_reward_, knobs_};
}

std::vector<StepResult> DreamLanes::step(const torch::Tensor& actions, const std::vector<char>& active) {
  torch::NoGradGuard no_grad;
  std::vector<std::int64_t> going;
  for (std::size_t lane = 0; lane < age_.size(); ++lane)
    if (active[lane]) going.push_back(static_cast<std::int64_t>(lane));
  if (going.empty()) return std::vector<StepResult>(age_.size());
  const auto device = carry_.begin()->second.device();
  // The last dreams of many: the others are not dreamed on beside them.
  const bool few = going.size() * 4 < age_.size() * 3;
  const auto rows = few ? torch::tensor(going).to(device) : torch::Tensor();
  const auto of_rows = [&](const torch::Tensor& all) { return few ? all.index_select(0, rows) : all; };
  Carry now;
  for (const auto& [name, tensor] : carry_) now[name] = of_rows(tensor);
  const auto next = model_->imagine(now, of_rows(actions.to(device)), knobs_, rng_);
  for (auto& [name, tensor] : carry_) tensor = few ? tensor.index_copy(0, rows, next.at(name).to(tensor.scalar_type())) : next.at(name);
  const auto outcome = model_->outcome(next);
  const auto paid = model_->reward_from_target(outcome.reward).to(torch::kFloat32);
  last_reward_ = few ? last_reward_.index_copy(0, rows, paid) : paid;
  const auto rewards = paid.to(torch::kCPU).contiguous();
  // A model without a continue head dreams on.
  const auto dones =
      outcome.done.defined() ? outcome.done.to(torch::kCPU, torch::kFloat32).contiguous() : torch::zeros_like(rewards);
  std::vector<StepResult> results(age_.size());
  for (std::size_t i = 0; i < going.size(); ++i) {
    const auto lane = static_cast<std::size_t>(going[i]), row = few ? i : lane;
    results[lane] = {rewards.data_ptr<float>()[row], dones.data_ptr<float>()[row] > 0.5f, ++age_[lane] >= max_steps_};
  }
  return results;
}

void DreamLanes::save(Checkpoint& into, const std::string& prefix) const {
  store_carry(into, prefix + "carry_", carry_, carry_);
  into.tensors[prefix + "last_reward"] = last_reward_;
  into.tensors[prefix + "age"] = torch::tensor(age_, torch::kInt64);
  store_generator(into, prefix + "rng", rng_);
}

void DreamLanes::load(const Checkpoint& from, const std::string& prefix) {
  const auto carry = load_carry(from, prefix + "carry_", carry_);
  const auto age = from.exact(prefix + "age", {count()}).contiguous();
  if (age.scalar_type() != torch::kInt64 || age.lt(0).any().item<bool>())
    throw Error(from.origin + ": '" + prefix + "age' must hold whole numbers that are not negative");
  const auto reward = load_rewards(from, prefix, last_reward_);
  load_generator(from, prefix + "rng", rng_);
  carry_ = carry;
  last_reward_ = reward;
  age_.assign(age.data_ptr<std::int64_t>(), age.data_ptr<std::int64_t>() + age.numel());
}

}  // namespace dream
