#include "core/env/in_turn.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "api/error.h"

namespace dream {
namespace {

constexpr std::size_t kMostAxesInTurn = 8;

}  // namespace

InTurn::InTurn(std::string name, std::vector<World> worlds)
    : name_(std::move(name)), worlds_(std::move(worlds)), turn_(worlds_.size()) {
  const Spaces& first = worlds_.front().env->spaces();
  spaces_.image_height = first.image_height, spaces_.image_width = first.image_width;
  spaces_.image_channels = first.image_channels;
  spaces_.natural_rate = first.natural_rate;
  std::size_t numbers = 0, axes = 0;
  for (const auto& [title, env] : worlds_) {
    const Spaces& own = env->spaces();
    if (own.action.discrete() || own.action.size() > kMostAxesInTurn || own.image_bytes() != first.image_bytes() ||
        own.max_episode_steps == 0) {
      throw Error(fmt::format("{}: {} does not fit beside {}.", name_, title, worlds_.front().name));
    }
    spaces_.tasks.push_back(title);
    spaces_.max_episode_steps = std::max(spaces_.max_episode_steps, own.max_episode_steps);
    numbers = std::max(numbers, own.vector_names.size());
    axes = std::max(axes, own.action.size());
  }
  spaces_.vector_names.emplace_back("task");
  for (std::size_t i = 0; i < numbers; ++i) spaces_.vector_names.push_back(fmt::format("x{}", i + 1));
  for (std::size_t i = 0; i < axes; ++i) spaces_.action.axes.push_back(fmt::format("a{}", i + 1));
  spaces_.action.low.assign(axes, -1), spaces_.action.high.assign(axes, 1), spaces_.action.idle.assign(axes, 0);
  for (const auto& [title, env] : worlds_) {  // a key is the first world's that has it
    for (const KeyBinding& key : env->spaces().action.keys) {
      const auto known = std::ranges::find(spaces_.action.keys, key.key, &KeyBinding::key);
      if (known != spaces_.action.keys.end()) continue;
      const float sign = key.value < 0 ? -1.0f : 1.0f;
      spaces_.action.keys.push_back({key.key, key.axis, sign, fmt::format("a{} {}", key.axis + 1, sign < 0 ? "−" : "+")});
    }
  }
}

Env& InTurn::now(const char* what) const {
  if (turn_ == worlds_.size()) throw Error(fmt::format("{}: {} before reset(); call reset(seed) first.", name_, what));
  return *worlds_[turn_].env;
}

void InTurn::reset(std::uint64_t seed) {
  const auto turn = static_cast<std::size_t>(seed % worlds_.size());
  worlds_[turn].env->reset(seed);
  turn_ = turn;
}

StepResult InTurn::step(std::span<const float> action) {
  Env& env = now("step()");
  if (action.size() != spaces_.action.size()) {
    throw Error(fmt::format("{}: the action has {} values, expected {}.", name_, action.size(), spaces_.action.size()));
  }
  for (std::size_t axis = 0; axis < action.size(); ++axis) {
    if (!std::isfinite(action[axis]))
      throw Error(fmt::format("{}: action '{}' is not a finite number.", name_, spaces_.action.axes[axis]));
  }
  const ActionSpace& own = env.spaces().action;
  std::array<float, kMostAxesInTurn> values{};
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    const float share = (std::clamp(action[axis], -1.0f, 1.0f) + 1) / 2;
    values[axis] = own.low[axis] + share * (own.high[axis] - own.low[axis]);
  }
  StepResult result = env.step(std::span(values).first(own.size()));
  result.cost = 0;
  return result;
}

void InTurn::observe_image(std::span<std::uint8_t> out) {
  now("observe_image()").observe_image(out);
}

void InTurn::observe_vector(std::span<float> out) {
  Env& env = now("observe_vector()");
  if (out.size() != spaces_.vector_names.size()) {
    throw Error(fmt::format("{}: the vector buffer has {} values, expected {}.", name_, out.size(),
                            spaces_.vector_names.size()));
  }
  const auto own = env.spaces().vector_names.size();
  out[0] = static_cast<float>(turn_);
  env.observe_vector(out.subspan(1, own));
  std::ranges::fill(out.subspan(1 + own), 0.0f);
}

void InTurn::render(int width, int height, std::span<std::uint8_t> out) {
  now("render()").render(width, height, out);
}

std::vector<std::byte> InTurn::save_state() const {
  return now("save_state()").save_state();
}

void InTurn::load_state(std::span<const std::byte> state) {
  for (std::size_t i = 0; i < worlds_.size(); ++i) {
    try {
      worlds_[i].env->load_state(state);
      turn_ = i;
      return;
    } catch (const Error&) {  // another world's, or nobody's
    }
  }
  throw Error(fmt::format("{}: these bytes are no saved state of {}.", name_, fmt::join(spaces_.tasks, ", ")));
}

std::vector<NamedArray> InTurn::diagnostics() const {
  return now("diagnostics()").diagnostics();
}

bool InTurn::expert(std::span<float> action) const {
  const Env& env = now("expert()");
  const ActionSpace& own = env.spaces().action;
  std::ranges::fill(action, 0.0f);
  if (!env.expert(action.first(own.size()))) return false;
  for (std::size_t axis = 0; axis < own.size(); ++axis)
    action[axis] = 2 * (action[axis] - own.low[axis]) / (own.high[axis] - own.low[axis]) - 1;
  return true;
}

}  // namespace dream
