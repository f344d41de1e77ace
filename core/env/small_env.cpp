#include "core/env/small_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "api/error.h"
#include "core/base/fnv.h"

namespace dream {

namespace {

// A saved state: this, the name's hash, steps, done, the numbers, and a checksum over all before; 8 bytes each.
constexpr std::uint64_t kStateMagic = 0x314d534d41455244;  // "DREAMSM1"
constexpr std::size_t kHead = 4;

}  // namespace

SmallEnv::SmallEnv(std::string name, Spaces spaces) : name_(std::move(name)), spaces_(std::move(spaces)) {
  if (spaces_.action.size() > kMostAxes) throw Error(fmt::format("{}: too many axes for a small world.", name_));
}

void SmallEnv::check_started(const char* what) const {
  if (!started_) throw Error(fmt::format("{}: {} before reset(); call reset(seed) first.", name_, what));
}

void SmallEnv::check_size(const char* what, std::size_t found, std::size_t expected) const {
  if (found != expected) throw Error(fmt::format("{}: {} has {} values, expected {}.", name_, what, found, expected));
}

void SmallEnv::reset(std::uint64_t seed) {
  Rng rng(seed);
  steps_ = 0;
  begin(rng);
  started_ = true;
  done_ = false;
}

StepResult SmallEnv::step(std::span<const float> action) {
  check_started("step()");
  if (done_) throw Error(fmt::format("{}: step() after the episode's end; call reset(seed) first.", name_));
  const ActionSpace& space = spaces_.action;
  check_size("the action", action.size(), space.size());
  std::array<float, kMostAxes> values{};
  for (std::size_t axis = 0; axis < action.size(); ++axis) {
    if (!std::isfinite(action[axis])) {
      throw Error(fmt::format("{}: action '{}' is not a finite number.", name_, space.axes[axis]));
    }
    values[axis] = std::clamp(action[axis], space.low[axis], space.high[axis]);
    if (space.discrete()) values[axis] = std::round(values[axis]);
  }
  const Outcome outcome = advance(std::span(values).first(action.size()));
  ++steps_;
  const bool truncated = spaces_.max_episode_steps > 0 && steps_ >= spaces_.max_episode_steps;
  done_ = outcome.terminated || truncated;
  return {outcome.reward, outcome.terminated, truncated, outcome.cost};
}

void SmallEnv::observe_image(std::span<std::uint8_t> out) {
  check_started("observe_image()");
  check_size("the image buffer", out.size(), spaces_.image_bytes());
  paint::Canvas canvas(spaces_.image_width, spaces_.image_height, out);
  paint_observation(canvas);
}

void SmallEnv::observe_vector(std::span<float> out) {
  check_started("observe_vector()");
  check_size("the vector buffer", out.size(), spaces_.vector_names.size());
  write_vector(out);
}

void SmallEnv::render(int width, int height, std::span<std::uint8_t> out) {
  check_started("render()");
  if (width < 1 || height < 1 || width > 8192 || height > 8192) {
    throw Error(fmt::format("{}: cannot render at {} x {}, expected 1 to 8192 a side.", name_, width, height));
  }
  check_size("the render buffer", out.size(), static_cast<std::size_t>(width) * height * 3);
  paint::Canvas canvas(width, height, out);
  paint_people(canvas);
}

std::vector<std::byte> SmallEnv::save_state() const {
  check_started("save_state()");
  const std::vector<double> values = numbers();
  std::vector<std::uint64_t> words{kStateMagic, fnv1a(std::as_bytes(std::span(name_))), static_cast<std::uint64_t>(steps_), done_ ? 1u : 0u};
  for (const double value : values) words.push_back(std::bit_cast<std::uint64_t>(value));
  words.push_back(fnv1a(std::as_bytes(std::span(words))));
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

void SmallEnv::load_state(std::span<const std::byte> state) {
  std::vector<std::uint64_t> words(state.size() / sizeof(std::uint64_t));
  if (!words.empty()) std::memcpy(words.data(), state.data(), words.size() * sizeof(words[0]));
  if (words.size() <= kHead || words[0] != kStateMagic || words[1] != fnv1a(std::as_bytes(std::span(name_)))) {
    throw Error(fmt::format("{}: these bytes are not a saved {} state.", name_, name_));
  }
  if (state.size() % sizeof(words[0]) != 0 || words.back() != fnv1a(state.first(state.size() - sizeof(words[0])))) {
    throw Error(fmt::format("{}: the saved state is damaged (its checksum does not match).", name_));
  }
  std::vector<double> values;
  for (std::size_t i = kHead; i + 1 < words.size(); ++i) values.push_back(std::bit_cast<double>(words[i]));
  const int limit = spaces_.max_episode_steps > 0 ? spaces_.max_episode_steps : 1 << 30;
  const std::uint64_t steps = words[2], done = words[3];
  const bool possible = steps <= static_cast<std::uint64_t>(limit) && done <= 1 &&
                        (done == 1 || steps < static_cast<std::uint64_t>(limit)) && (done == 0 || steps > 0) &&
                        values.size() == numbers().size() &&
                        std::ranges::all_of(values, [](double v) { return std::isfinite(v); }) &&
                        take(values, static_cast<int>(steps), done == 1);
  if (!possible) throw Error(fmt::format("{}: the saved state holds impossible values.", name_));
  steps_ = static_cast<std::int32_t>(steps);
  done_ = done == 1;
  started_ = true;
}

std::vector<NamedArray> SmallEnv::diagnostics() const {
  check_started("diagnostics()");
  return describe();
}

}  // namespace dream
