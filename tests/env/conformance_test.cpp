// What every environment must do. A new one in the registry is tested by being there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <set>

#include "api/error.h"
#include "core/base/rng.h"
#include "core/env/registry.h"
#include "tests/support/python_worlds.h"

namespace {
thread_local std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
}  // namespace

// This binary's own operator new counts, so that a step can be shown to allocate nothing.
void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace dream {
namespace conformance_test {

using Action = std::vector<float>;
const std::string bridged = "gym:CartPole-v1";  // what lives in Python keeps to the same

// Actions that hold for a while, so that something happens.
class Driver {
 public:
  explicit Driver(const Spaces& spaces, std::uint64_t seed = 1) : space_(spaces.action), rng_(seed) {}
  const Action& operator()() {
    if (hold_-- <= 0) {
      hold_ = static_cast<int>(5 + rng_.integers(20));
      action_.resize(space_.size());
      for (std::size_t i = 0; i < action_.size(); ++i) {
        action_[i] = space_.discrete() ? static_cast<float>(rng_.integers(space_.choices.size()))
                                       : static_cast<float>(rng_.uniform(space_.low[i], space_.high[i]));
      }
    }
    return action_;
  }

 private:
  ActionSpace space_;
  Rng rng_;
  Action action_;
  int hold_ = 0;
};

struct Observation {
  std::vector<std::uint8_t> image;
  std::vector<float> vector;
  bool operator==(const Observation&) const = default;
};

Observation observe(Env& env) {
  const Spaces& spaces = env.spaces();
  Observation seen{std::vector<std::uint8_t>(spaces.image_bytes()), std::vector<float>(spaces.vector_names.size())};
  if (!seen.image.empty()) env.observe_image(seen.image);
  if (!seen.vector.empty()) env.observe_vector(seen.vector);
  return seen;
}

struct Record {
  std::vector<float> rewards;
  std::vector<Observation> seen;
  bool operator==(const Record&) const = default;
};

// Plays on for at most `steps`, with every observation.
Record play(Env& env, Driver& driver, int steps) {
  Record record;
  record.seen.push_back(observe(env));
  for (int i = 0; i < steps; ++i) {
    const StepResult result = env.step(driver());
    record.rewards.push_back(result.reward);
    record.seen.push_back(observe(env));
    if (result.done()) break;
  }
  return record;
}

class Conformance : public testing::TestWithParam<std::string> {
 protected:
  // As many steps with this driver as leave the episode of `seed` under way: `steps`, or half of a shorter episode.
  static int underway(std::uint64_t seed, Driver driver, int steps) {
    auto env = make_env(GetParam());
    env->reset(seed);
    int length = 0;
    while (length < 2 * steps && !env->step(driver()).done()) ++length;
    return length < 2 * steps ? std::min(steps, (length + 1) / 2) : steps;
  }

  void SetUp() override {
    if (!env_) GTEST_SKIP() << test::without_gymnasium;
  }
  std::unique_ptr<Env> env_ = GetParam() != bridged || test::gymnasium_is_there() ? make_env(GetParam()) : nullptr;
};

std::vector<std::string> names() {
  std::vector<std::string> result{bridged};
  for (const EnvEntry& entry : environments()) result.push_back(entry.name);
  return result;
}

INSTANTIATE_TEST_SUITE_P(Environments, Conformance, testing::ValuesIn(names()),
                         [](const auto& test) { return test.param == bridged ? "Gymnasium" : test.param; });

TEST_P(Conformance, SpacesAreComplete) {
  const Spaces& spaces = env_->spaces();
  EXPECT_TRUE(spaces.image_bytes() > 0 || !spaces.vector_names.empty());
  const ActionSpace& action = spaces.action;
  ASSERT_EQ(action.axes.size(), action.size());
  ASSERT_EQ(action.low.size(), action.size());
  ASSERT_EQ(action.high.size(), action.size());
  ASSERT_EQ(action.idle.size(), action.size());
  for (std::size_t i = 0; i < action.size(); ++i) {
    EXPECT_LT(action.low[i], action.high[i]);
    EXPECT_GE(action.idle[i], action.low[i]);
    EXPECT_LE(action.idle[i], action.high[i]);
  }
  if (action.discrete()) {
    EXPECT_EQ(action.high[0], static_cast<float>(action.choices.size() - 1));
  }
  for (const KeyBinding& key : action.keys) {
    ASSERT_GE(key.axis, 0);
    ASSERT_LT(static_cast<std::size_t>(key.axis), action.size());
    EXPECT_GE(key.value, action.low[key.axis]) << key.key;
    EXPECT_LE(key.value, action.high[key.axis]) << key.key;
    EXPECT_FALSE(key.label.empty()) << key.key;
  }
}

TEST_P(Conformance, TheSameSeedGivesTheSameEpisode) {
  Driver first(env_->spaces()), second(env_->spaces());
  env_->reset(11);
  const Record once = play(*env_, first, 120);
  // In another instance that has a past.
  auto other = make_env(GetParam());
  other->reset(5);
  Driver past(other->spaces(), 9);
  play(*other, past, 30);
  other->reset(11);
  EXPECT_EQ(play(*other, second, 120), once);
}

TEST_P(Conformance, AnotherSeedGivesAnotherEpisode) {
  Driver first(env_->spaces()), second(env_->spaces());
  env_->reset(11);
  const Record once = play(*env_, first, 120);
  // Small games have few beginnings, so one other seed may well give the same.
  bool another = false;
  for (std::uint64_t seed = 12; seed < 32 && !another; ++seed) {
    Driver same = second;
    env_->reset(seed);
    another = play(*env_, same, 120) != once;
  }
  // In these there is no chance at all; elsewhere a seed that changes nothing would be a mistake.
  static const std::set<std::string> certain{"DynaMaze", "BlockingMaze", "ShortcutMaze"};
  EXPECT_EQ(another, !certain.contains(GetParam()));
}

TEST_P(Conformance, SavedStatesHaveTheSameFuture) {
  Driver driver(env_->spaces());
  env_->reset(3);
  play(*env_, driver, underway(3, driver, 90));
  const std::vector<std::byte> state = env_->save_state();
  Driver future = driver, again = driver, elsewhere = driver;
  const Record expected = play(*env_, future, 80);
  env_->load_state(state);
  EXPECT_EQ(env_->save_state(), state);
  EXPECT_EQ(play(*env_, again, 80), expected);
  // In an instance that was never reset.
  auto other = make_env(GetParam());
  other->load_state(state);
  EXPECT_EQ(play(*other, elsewhere, 80), expected);
  EXPECT_EQ(other->save_state(), env_->save_state());
}

TEST_P(Conformance, BadStatesAreRefusedAndChangeNothing) {
  Driver driver(env_->spaces());
  env_->reset(3);
  const std::vector<std::byte> early = env_->save_state();
  play(*env_, driver, underway(3, driver, 40));
  const std::vector<std::byte> state = env_->save_state();

  std::vector<std::vector<std::byte>> bad{{}, std::vector<std::byte>(state.size())};
  for (std::size_t n = 1; n < early.size(); n = n * 2 + 1) bad.emplace_back(early.begin(), early.begin() + n);
  bad.push_back(early);
  bad.back().push_back(std::byte{0});
  for (std::size_t at = 0; at < early.size(); at += 1 + early.size() / 97) {
    bad.push_back(early);
    bad.back()[at] ^= std::byte{0x41};
  }
  for (const auto& bytes : bad) {
    EXPECT_THROW(env_->load_state(bytes), Error);
    EXPECT_EQ(env_->save_state(), state);
  }
  Driver again = driver;
  const Record expected = play(*env_, driver, 20);
  env_->load_state(state);
  EXPECT_EQ(play(*env_, again, 20), expected);
}

TEST_P(Conformance, BadActionsAreRefusedAndChangeNothing) {
  env_->reset(3);
  Driver driver(env_->spaces());
  play(*env_, driver, underway(3, driver, 10));
  const std::vector<std::byte> state = env_->save_state();
  const Action idle = env_->spaces().action.idle;
  Action short_action(idle.begin(), idle.end() - 1), long_action = idle;
  long_action.push_back(0);
  EXPECT_THROW(env_->step(short_action), Error);
  EXPECT_THROW(env_->step(long_action), Error);
  for (std::size_t i = 0; i < idle.size(); ++i) {
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Action bad = idle;
      bad[i] = value;
      EXPECT_THROW(env_->step(bad), Error);
    }
  }
  EXPECT_EQ(env_->save_state(), state);
}

TEST_P(Conformance, ActionsBeyondTheBoundsAreClamped) {
  const ActionSpace& space = env_->spaces().action;
  Action beyond = space.high;
  for (float& value : beyond) value += 10;
  env_->reset(3);
  for (int i = 0; i < 5; ++i) env_->step(beyond);
  const Observation seen = observe(*env_);
  env_->reset(3);
  for (int i = 0; i < 5; ++i) env_->step(space.high);
  EXPECT_EQ(observe(*env_), seen);
}

TEST_P(Conformance, NothingWorksBeforeReset) {
  EXPECT_THROW(env_->step(env_->spaces().action.idle), Error);
  EXPECT_THROW(env_->save_state(), Error);
  EXPECT_THROW(observe(*env_), Error);
}

TEST_P(Conformance, EpisodesEndByTheTimeLimitAtTheLatest) {
  const int limit = env_->spaces().max_episode_steps;
  if (limit == 0) GTEST_SKIP() << "no time limit";
  const auto tasks = env_->spaces().tasks.size();
  int longest = 0;  // of several worlds in turn each has a limit of its own
  for (std::uint64_t seed = 3; seed < 3 + std::max<std::size_t>(tasks, 1); ++seed) {
    env_->reset(seed);
    StepResult result;
    int steps = 0;
    while (!result.done() && steps <= limit) {
      result = env_->step(env_->spaces().action.idle);
      ++steps;
      if (tasks == 0) {
        EXPECT_EQ(result.truncated, steps == limit);
      }
      ASSERT_TRUE(std::isfinite(result.reward));
    }
    EXPECT_TRUE(result.done());
    if (result.truncated) longest = std::max(longest, steps);
  }
  if (tasks > 0) {
    EXPECT_EQ(longest, limit);
  }
  EXPECT_THROW(env_->step(env_->spaces().action.idle), Error);
  EXPECT_NO_THROW(observe(*env_));
  // The end is part of the state.
  const auto state = env_->save_state();
  env_->reset(4);
  EXPECT_NO_THROW(env_->step(env_->spaces().action.idle));
  env_->load_state(state);
  EXPECT_THROW(env_->step(env_->spaces().action.idle), Error);
}

TEST_P(Conformance, ObservationsFillTheirBuffers) {
  env_->reset(8);
  Driver driver(env_->spaces());
  play(*env_, driver, 30);
  const Spaces& spaces = env_->spaces();
  // Written over two different backgrounds with guards around: whatever stays different was not written.
  constexpr std::size_t guard = 64;
  const std::size_t bytes = spaces.image_bytes();
  if (bytes > 0) {
    std::vector<std::uint8_t> a(bytes + 2 * guard, 0x00), b(bytes + 2 * guard, 0xff);
    env_->observe_image(std::span(a).subspan(guard, bytes));
    env_->observe_image(std::span(b).subspan(guard, bytes));
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool inside = i >= guard && i < guard + bytes;
      ASSERT_EQ(a[i] == b[i], inside) << "byte " << i;
    }
    EXPECT_THROW(env_->observe_image(std::span(a).first(bytes - 1)), Error);
  }
  for (const float value : observe(*env_).vector) EXPECT_TRUE(std::isfinite(value));
  for (const auto& [width, height] : {std::pair{64, 48}, std::pair{301, 173}}) {
    const std::size_t size = static_cast<std::size_t>(width) * height * 3;
    std::vector<std::uint8_t> a(size + guard, 0x00), b(size + guard, 0xff);
    env_->render(width, height, std::span(a).first(size));
    env_->render(width, height, std::span(b).first(size));
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i] == b[i], i < size) << "byte " << i;
    EXPECT_THROW(env_->render(width, height + 1, std::span(a).first(size)), Error);
  }
  std::vector<std::uint8_t> nothing;
  EXPECT_THROW(env_->render(0, 10, nothing), Error);
}

TEST_P(Conformance, LookingChangesNothing) {
  Driver first(env_->spaces()), second(env_->spaces());
  const int steps = underway(2, first, 50);
  env_->reset(2);
  for (int i = 0; i < steps; ++i) env_->step(first());
  const auto blind = env_->save_state();
  env_->reset(2);
  std::vector<std::uint8_t> picture(50 * 40 * 3);
  for (int i = 0; i < steps; ++i) {
    env_->step(second());
    observe(*env_);
    env_->render(50, 40, picture);
    env_->diagnostics();
  }
  EXPECT_EQ(env_->save_state(), blind);
}

TEST_P(Conformance, StepsAllocateNothing) {
  env_->reset(1);
  const Spaces& spaces = env_->spaces();
  std::vector<Action> actions;
  Driver driver(spaces);
  for (int i = 0; i < 300; ++i) actions.push_back(driver());
  std::vector<std::uint8_t> image(spaces.image_bytes());
  std::vector<float> vector(spaces.vector_names.size());
  const std::size_t before = allocations;
  for (const Action& action : actions) {
    if (env_->step(action).done()) break;
    if (!image.empty()) env_->observe_image(image);
    if (!vector.empty()) env_->observe_vector(vector);
  }
  EXPECT_EQ(allocations - before, 0u);
}

TEST_P(Conformance, DiagnosticsFitTheirShapes) {
  env_->reset(1);
  for (const NamedArray& array : env_->diagnostics()) {
    std::size_t count = 1;
    for (const std::size_t side : array.shape) count *= side;
    EXPECT_EQ(array.values.size(), count) << array.name;
    for (const double value : array.values) ASSERT_TRUE(std::isfinite(value)) << array.name;
  }
}

TEST_P(Conformance, AnAgentStandsAtPlacesOfThePicture) {
  env_->reset(1);
  constexpr int grid = 12;
  int stood = 0;
  for (int place = 0; place < grid * grid; ++place) {
    const auto before = env_->save_state();
    if (env_->stand_at((place % grid + 0.5) / grid, (place / grid + 0.5) / grid)) {
      ++stood;
      const auto seen = observe(*env_);
      const auto state = env_->save_state();
      env_->load_state(before);
      env_->load_state(state);  // one that an episode can have
      EXPECT_EQ(observe(*env_), seen);
    } else {
      EXPECT_EQ(env_->save_state(), before);
    }
  }
  const auto inside = env_->save_state();
  for (const double outside : {-0.5, 1.5}) EXPECT_FALSE(env_->stand_at(outside, 0.5));
  EXPECT_EQ(env_->save_state(), inside);
  EXPECT_EQ(stood > 0, env_->spaces().places);
}

TEST_P(Conformance, AnExpertKeepsWithinTheBounds) {
  env_->reset(1);
  const auto& space = env_->spaces().action;
  constexpr float untouched = -77;
  Action action(space.size(), untouched);
  if (!env_->expert(action)) {
    EXPECT_EQ(action, Action(space.size(), untouched));
    return;
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(env_->expert(action));
    for (std::size_t axis = 0; axis < action.size(); ++axis) {
      ASSERT_GE(action[axis], space.low[axis]);
      ASSERT_LE(action[axis], space.high[axis]);
    }
    if (env_->step(action).done()) break;
  }
}

TEST(Registry, UnknownNamesSuggestTheNearest) {
  try {
    make_env("CarRacng");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'CarRacing'"), std::string::npos) << e.what();
  }
  EXPECT_THROW(make_env(""), Error);
}

}  // namespace conformance_test
}  // namespace dream
