#include "core/env/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "api/error.h"

namespace dream {
namespace {

/// Every action is one that can be taken: nothing is rounded or held to be another.
void check_actions(const std::vector<float>& values, const ActionSpace& space) {
  const std::size_t size = space.size();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (const auto wrong = no_action(values[i], space, i % size); !wrong.empty())
      throw Error(fmt::format("line {} (counted from 0), column {}: {}.", i / size, i % size, wrong));
}

}  // namespace

std::string no_action(float value, const ActionSpace& space, std::size_t axis) {
  const auto refused = [&](const std::string& expected) { return fmt::format("{} is no action; {} was expected", value, expected); };
  if (space.discrete()) {
    const auto last = space.choices.size() - 1;
    if (!(value >= 0 && value <= static_cast<float>(last) && value == std::floor(value)))
      return refused(fmt::format("one of the choices 0 ({}) to {} ({})", space.choices.front(), last, space.choices.back()));
  } else if (!std::isfinite(value)) {
    return refused(fmt::format("a finite number for '{}'", space.axes[axis]));
  }
  return "";
}

Npz make_trace(Env& env, std::uint64_t seed, const NpyArray& actions) {
  const Spaces& spaces = env.spaces();
  const std::size_t size = spaces.action.size();
  const bool flat = actions.shape.size() == 1 && size == 1;
  if (!flat && !(actions.shape.size() == 2 && actions.shape[1] == size)) {
    throw Error(fmt::format("Actions have shape [{}], expected [T, {}].", fmt::join(actions.shape, ", "), size));
  }
  const std::vector<float> values = actions.to_floats();
  check_actions(values, spaces.action);
  std::vector<std::uint8_t> observation, terminated, truncated;
  std::vector<float> vector, reward, cost;
  std::vector<NamedArray> states;  // of each step, one after the other

  env.reset(seed);
  for (NamedArray& now : env.diagnostics()) {  // those of each step are there even if there is no step
    if (!now.each_step) continue;
    now.values.clear();
    states.push_back(std::move(now));
  }
  bool done = false;
  for (std::size_t t = 0; t < actions.shape[0] && !done; ++t) {
    const StepResult result = env.step({values.data() + t * size, size});
    done = result.done();
    reward.push_back(result.reward);
    cost.push_back(result.cost);
    terminated.push_back(result.terminated ? 1 : 0);
    truncated.push_back(result.truncated ? 1 : 0);
    if (spaces.image_bytes() > 0) {
      observation.resize(observation.size() + spaces.image_bytes());
      env.observe_image(std::span(observation).last(spaces.image_bytes()));
    }
    if (!spaces.vector_names.empty()) {
      vector.resize(vector.size() + spaces.vector_names.size());
      env.observe_vector(std::span(vector).last(spaces.vector_names.size()));
    }
    for (NamedArray& now : env.diagnostics()) {
      if (!now.each_step) continue;
      const auto known = std::ranges::find(states, now.name, &NamedArray::name);
      if (known == states.end()) throw Error(now.name + " is told of some steps only.");
      known->values.insert(known->values.end(), now.values.begin(), now.values.end());
    }
  }

  const std::size_t steps = reward.size();
  Npz trace;
  auto add = [&trace]<class T>(std::string name, std::vector<std::size_t> shape, const std::vector<T>& data) {
    trace.arrays.emplace_back(std::move(name), NpyArray::of<T>(std::move(shape), data));
  };
  auto add_flags = [&](std::string name, const std::vector<std::uint8_t>& data) {
    add(std::move(name), {steps}, data);
    trace.arrays.back().second.type = NpyType::b1;
  };
  if (spaces.image_bytes() > 0) {
    add("observation",
        {steps, static_cast<std::size_t>(spaces.image_height), static_cast<std::size_t>(spaces.image_width),
         static_cast<std::size_t>(spaces.image_channels)},
        observation);
  }
  if (!spaces.vector_names.empty()) add("vector", {steps, spaces.vector_names.size()}, vector);
  add("reward", {steps}, reward);
  if (spaces.costs) add(cost_column, {steps}, cost);
  add_flags("terminated", terminated);
  add_flags("truncated", truncated);
  for (NamedArray& state : states) {
    state.shape.insert(state.shape.begin(), steps);
    add(state.name, state.shape, state.values);
  }
  for (const NamedArray& fixed : env.diagnostics()) {
    if (!fixed.each_step) add(fixed.name, fixed.shape, fixed.values);
  }
  return trace;
}

}  // namespace dream
