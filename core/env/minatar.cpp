#include "core/env/minatar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "api/error.h"
#include "core/base/fnv.h"

namespace dream {

using namespace minatar;

namespace {

constexpr int kPicture = 64, kGameTimeLimit = 5000;
constexpr const char* kActs[] = {"nothing", "left", "up", "right", "down", "fire"};
constexpr std::uint8_t kEdge = 48;

/// Colour i of seaborn's `color_palette("cubehelix", n)`: Green's cube helix (2011) with matplotlib's constants, of
/// whose 256 colours seaborn takes n, evenly spaced and without the ends.
std::array<std::uint8_t, 3> cube_helix(int i, int n) {
  const double x = std::floor(256.0 * (i + 1) / (n + 1)) / 255, angle = 2 * std::numbers::pi * (0.5 / 3 - 1.5 * x);
  const double amplitude = x * (1 - x) / 2, c = std::cos(angle), s = std::sin(angle);
  auto byte = [&](double of_cosine, double of_sine) {
    const double value = x + amplitude * (of_cosine * c + of_sine * s);
    return static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
  };
  return {byte(-0.14861, 1.78277), byte(-0.29227, -0.90649), byte(1.97294, 0)};
}

Spaces minatar_spaces(const Facts& facts) {
  Spaces spaces;
  spaces.image_height = spaces.image_width = kPicture;
  spaces.image_channels = 3;
  spaces.max_episode_steps = kGameTimeLimit;
  spaces.natural_rate = 10;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      for (const char* channel : facts.channels) spaces.vector_names.push_back(fmt::format("{}[{},{}]", channel, y, x));
    }
  }
  ActionSpace& action = spaces.action;
  action.choices.assign(std::begin(kActs), std::end(kActs));
  action.axes = {"choice"};
  action.low = {0};
  action.high = {static_cast<float>(action.choices.size() - 1)};
  action.idle = {0};
  for (const Act act : facts.acts) {
    if (act == Act::none) continue;
    const std::string name = action.choices[static_cast<std::size_t>(act)];
    action.keys.push_back({act == Act::fire ? "space" : name, 0, static_cast<float>(act), name});
  }
  return spaces;
}

}  // namespace

MinAtarEnv::MinAtarEnv(MinAtarGame game, MinAtarOptions options)
    : game_name_(game), options_(options), game_(make_game()), facts_(game_->facts()), spaces_(minatar_spaces(facts_)) {
  for (int i = 0; i < channels(); ++i) colours_.push_back(cube_helix(i, channels()));
  painted_.resize(spaces_.vector_names.size());
}

std::unique_ptr<Game> MinAtarEnv::make_game() const {
  switch (game_name_) {
    case MinAtarGame::breakout:
      return make_breakout();
    case MinAtarGame::asterix:
      return make_asterix(options_.ramping);
    case MinAtarGame::freeway:
      return make_freeway();
    case MinAtarGame::seaquest:
      return make_seaquest(options_.ramping);
    case MinAtarGame::space_invaders:
      return make_space_invaders(options_.ramping);
  }
  throw Error("MinAtar: there is no such game.");
}

void MinAtarEnv::check_started(const char* what) const {
  if (!started_) throw Error(fmt::format("{}: {} before reset(); call reset(seed) first.", facts_.name, what));
}

void MinAtarEnv::reset(std::uint64_t seed) {
  random_.reseed(seed);
  game_->reset(random_);
  last_action_ = steps_ = 0;
  done_ = false;
  started_ = true;
}

StepResult MinAtarEnv::step(std::span<const float> action) {
  check_started("step()");
  if (done_) throw Error(fmt::format("{}: step() after the episode's end; call reset(seed) first.", facts_.name));
  if (action.size() != 1) {
    throw Error(fmt::format("{}: the action has {} values, expected 1.", facts_.name, action.size()));
  }
  if (!std::isfinite(action[0])) throw Error(fmt::format("{}: action 'choice' is not a finite number.", facts_.name));
  if (random_.rand() >= options_.sticky) {
    last_action_ = static_cast<std::int32_t>(std::clamp(action[0], 0.0f, 5.0f) + 0.5f);
  }
  const Turn turn = game_->act(static_cast<Act>(last_action_), random_);
  ++steps_;
  StepResult result;
  result.reward = static_cast<float>(turn.reward);
  result.terminated = turn.over;
  result.truncated = steps_ >= kGameTimeLimit;
  done_ = result.done();
  return result;
}

template <class T>
void MinAtarEnv::write_planes(const char* what, std::span<T> out) {
  check_started(what);
  const std::size_t expected = spaces_.vector_names.size();
  if (out.size() != expected) {
    throw Error(fmt::format("{}: {} got a buffer of {} values, expected {}.", facts_.name, what, out.size(), expected));
  }
  game_->show(Planes(out, channels()));
}

void MinAtarEnv::observe_vector(std::span<float> out) {
  write_planes("observe_vector()", out);
}

void MinAtarEnv::planes(std::span<std::uint8_t> out) {
  write_planes("planes()", out);
}

void MinAtarEnv::observe_image(std::span<std::uint8_t> out) {
  check_started("observe_image()");
  if (out.size() != spaces_.image_bytes()) {
    throw Error(
        fmt::format("{}: the image buffer has {} bytes, expected {}.", facts_.name, out.size(), spaces_.image_bytes()));
  }
  paint(kPicture, kPicture, out);
}

void MinAtarEnv::render(int width, int height, std::span<std::uint8_t> out) {
  check_started("render()");
  if (width < 1 || height < 1 || width > 8192 || height > 8192) {
    throw Error(fmt::format("{}: cannot render at {} x {}, expected 1 to 8192 a side.", facts_.name, width, height));
  }
  if (out.size() != static_cast<std::size_t>(width) * height * 3) {
    throw Error(fmt::format("{}: the render buffer has {} bytes, expected {} x {} x 3.", facts_.name, out.size(), width,
                            height));
  }
  paint(width, height, out);
}

// The board in the middle, as large as whole pixels per cell allow.
void MinAtarEnv::paint(int width, int height, std::span<std::uint8_t> out) {
  game_->show(Planes(std::span(painted_), channels()));
  std::array<Rgb, kCells> colours{};
  for (std::size_t i = 0; i < painted_.size(); ++i) {
    if (painted_[i] != 0) colours[i / colours_.size()] = colours_[i % colours_.size()];
  }

  std::ranges::fill(out, kEdge);
  const int pixels = std::max(1, std::min(width, height) / kSide);  // to a cell
  const int left = std::max(0, (width - kSide * pixels) / 2), above = std::max(0, (height - kSide * pixels) / 2);
  const std::size_t stride = static_cast<std::size_t>(width) * 3;
  for (int y = 0; y < kSide && above + y * pixels < height; ++y) {
    std::uint8_t* const first = out.data() + (above + y * pixels) * stride;
    std::uint8_t* to = first + left * 3;
    for (int x = 0; x < std::min(kSide * pixels, width); ++x)
      to = std::ranges::copy(colours[y * kSide + x / pixels], to).out;
    for (int copy = 1; copy < pixels; ++copy) std::copy_n(first, stride, first + copy * stride);
  }
}

// Kind, options, stream, counters, the game's own bytes, checksum.
std::vector<std::byte> MinAtarEnv::save_state() const {
  check_started("save_state()");
  std::vector<std::byte> state;
  auto put = [&state](const auto& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    state.insert(state.end(), bytes.begin(), bytes.end());
  };
  put(fnv1a(std::as_bytes(std::span(facts_.name, std::strlen(facts_.name)))));
  put(options_.sticky);
  put(static_cast<std::int32_t>(options_.ramping));
  put(random_);
  put(last_action_);
  put(steps_);
  put(static_cast<std::int32_t>(done_));
  const auto game = game_->bytes();
  state.insert(state.end(), game.begin(), game.end());
  put(fnv1a(state));
  return state;
}

void MinAtarEnv::load_state(std::span<const std::byte> state) {
  const auto fail = [this](const char* why) { throw Error(fmt::format("{}: the saved state {}.", facts_.name, why)); };
  std::uint64_t kind = 0, sum = 0;
  double sticky = 0;
  std::int32_t ramping = 0, last_action = 0, steps = 0, done = 0;
  RandomState random;
  const auto game = make_game();
  constexpr std::size_t fixed = sizeof kind + sizeof sum + sizeof sticky + 4 * sizeof steps + sizeof random;
  const auto bytes = game->bytes();
  if (state.size() != fixed + bytes.size()) fail("is cut short, or belongs to something else");
  auto get = [&state](auto& value) {
    std::memcpy(static_cast<void*>(&value), state.data(), sizeof value);
    state = state.subspan(sizeof value);
  };
  const auto actual = fnv1a(state.first(state.size() - sizeof sum));
  get(kind);
  if (kind != fnv1a(std::as_bytes(std::span(facts_.name, std::strlen(facts_.name))))) fail("belongs to something else");
  get(sticky);
  get(ramping);
  get(random);
  get(last_action);
  get(steps);
  get(done);
  std::ranges::copy(state.first(bytes.size()), bytes.begin());
  state = state.subspan(bytes.size());
  get(sum);
  if (sum != actual) fail("is damaged (its checksum does not match)");
  if (sticky != options_.sticky || ramping != options_.ramping) fail("belongs to another variant of the game");
  if (!random.plausible() || !within(0, 5, last_action) || !within(0, kGameTimeLimit, steps) || !within(0, 1, done) ||
      (steps == kGameTimeLimit && done == 0) || !game->plausible(done != 0)) {
    fail("holds impossible values");
  }
  std::ranges::copy(bytes, game_->bytes().begin());
  random_ = random;
  last_action_ = last_action;
  steps_ = steps;
  done_ = done != 0;
  started_ = true;
}

}  // namespace dream
