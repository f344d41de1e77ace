// Worlds that fail: their episode ends, the others go on.
#include "core/env/world_fault.h"

#include <gtest/gtest.h>

#include <map>

#include "core/data/replay.h"
#include "core/engine/collector.h"
#include "core/engine/experience.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace world_fault_test {

/// Fails where it is told to: in a step of an episode's, or so many times as it begins.
class Faulty : public test::ToyEnv {
 public:
  struct Plan {
    int episode = -1, step = 0;  // both from 0; the step of every second episode where `episode` is -2, of each where it is -3
    int resets = 0;              // that fail before one goes well
    bool foreign = false;        // it is no fault of the world's
  };
  Faulty(test::ToyOptions options, std::shared_ptr<Plan> plan) : ToyEnv(options), plan_(std::move(plan)) {}

  void reset(std::uint64_t seed) override {
    if (plan_->resets-- > 0) throw WorldFault("the door is shut.");
    ToyEnv::reset(seed);
    ++episode_, step_ = 0;
  }
  StepResult step(std::span<const float> action) override {
    const bool here = plan_->episode == episode_ || plan_->episode == -3 || (plan_->episode == -2 && episode_ % 2 == 1);
    if (here && step_ == plan_->step) {
      if (plan_->foreign) throw Error("an action that is not finite");
      throw WorldFault("the floor has given way.");
    }
    ++step_;
    return ToyEnv::step(action);
  }

 private:
  std::shared_ptr<Plan> plan_;
  int episode_ = -1, step_ = 0;
};

struct Worlds {
  test::ToyOptions options{9, 0};
  std::map<int, std::shared_ptr<Faulty::Plan>> plans;  // of lanes; the others have none
  std::function<std::unique_ptr<Env>()> make() {
    return [this, lane = 0]() mutable -> std::unique_ptr<Env> {
      const auto plan = plans.find(lane++);
      return std::make_unique<Faulty>(options, plan == plans.end() ? std::make_shared<Faulty::Plan>() : plan->second);
    };
  }
};

torch::Tensor actions_of(std::int64_t lanes) {
  return torch::full({lanes, 3}, 0.5f);
}

TEST(WorldFaults, EndOneLanesEpisode) {
  Worlds worlds;
  worlds.plans[1] = std::make_shared<Faulty::Plan>(Faulty::Plan{0, 2});
  EnvLanes lanes(worlds.make(), 2);
  lanes.outlive_faults();
  lanes.start_all({{0, 1}, {1, 2}});
  for (int step = 0; step < 2; ++step) lanes.step(actions_of(2), {1, 1});
  const auto before = lanes.images().clone();
  const auto results = lanes.step(actions_of(2), {1, 1});
  EXPECT_FALSE(results[0].done() || lanes.broken(0));
  EXPECT_TRUE(lanes.broken(1) && results[1].truncated && !results[1].terminated);
  EXPECT_EQ(results[1].reward, 0);
  EXPECT_TRUE(torch::equal(lanes.images()[1], before[1]));
  EXPECT_FALSE(torch::equal(lanes.images()[0], before[0]));
  EXPECT_EQ(lanes.faults().told(), "1 episode was broken off by the world, and the next begun: the floor has given way.");
  lanes.start(1, 3);
  EXPECT_FALSE(lanes.step(actions_of(2), {1, 1})[1].done() || lanes.broken(1));
  EXPECT_EQ(lanes.faults().count, 1);
}

TEST(WorldFaults, ThrowWhereNobodyOutlivesThemOrNothingElseHappens) {
  Worlds worlds;
  const auto plan = worlds.plans[0] = std::make_shared<Faulty::Plan>(Faulty::Plan{-3, 0});
  EnvLanes strict(worlds.make(), 1), lanes(worlds.make(), 1);
  lanes.outlive_faults();
  strict.start(0, 1), lanes.start(0, 1);
  EXPECT_THROW(strict.step(actions_of(1), {1}), WorldFault);
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(lanes.step(actions_of(1), {1})[0].truncated);
    lanes.start(0, 1);
  }
  EXPECT_THROW(lanes.step(actions_of(1), {1}), WorldFault) << "the third in a row";
  plan->foreign = true;
  lanes.start(0, 1);
  try {
    lanes.step(actions_of(1), {1});
    FAIL() << "whose fault it is not is no fault of the world's";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "an action that is not finite");
  }
  plan->resets = 1;
  EXPECT_NO_THROW(lanes.start(0, 1));
  plan->resets = 2;
  EXPECT_THROW(lanes.start(0, 1), WorldFault);
}

/// The episode ends with the step before: on the disk nothing is made up.
TEST(WorldFaults, ACollectorKeepsWhatWasLived) {
  const test::TempFolder folder;
  Worlds worlds;
  worlds.plans[1] = std::make_shared<Faulty::Plan>(Faulty::Plan{-2, 4});
  worlds.plans[2] = std::make_shared<Faulty::Plan>(Faulty::Plan{0, 0});  // nothing was lived: the same episode again
  {
    Collector collector({folder / "kept", 9, 100, 3, Rng(1), 0}, "toy", worlds.make(), nullptr, "random");
    while (collector.written() < 9) collector.step();
    EXPECT_EQ(collector.faults().count, 2);
  }
  const Dataset dataset(folder / "kept");
  ASSERT_EQ(dataset.episodes(), 9u);
  std::map<std::size_t, int> lengths;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto episode = dataset.read(i);
    ++lengths[episode.length()];
    EXPECT_EQ(episode.truncated.back(), 1) << i;
    EXPECT_EQ(std::ranges::count(episode.truncated, 1), 1) << i;
  }
  EXPECT_EQ(lengths, (std::map<std::size_t, int>{{4, 1}, {9, 8}}));
}

/// What learns has heard of every step already, and hears of one more, in which nothing changed, so that it knows of the end.
TEST(WorldFaults, ExperienceGoesOn) {
  const test::TempFolder folder;
  Worlds worlds;
  worlds.plans[1] = std::make_shared<Faulty::Plan>(Faulty::Plan{1, 4});  // lanes that a model sees begin twice
  auto system = test::toy_system({9, 0});
  system->make_env = worlds.make();
  Experience::Options options;
  options.directory = folder / "own";
  options.lanes = 2;
  options.prefill = 1000;
  Replay replay(1 << 24);
  {
    Experience experience(options, *system, [&](const Episode& piece) { replay.extend(piece); });
    Checkpoint saved;
    for (int step = 0; step < 20; ++step) {
      experience.step();
      EXPECT_NO_THROW(experience.save(saved, "x/")) << "between any two steps";
    }
    EXPECT_EQ(experience.lanes().envs().faults().count, 1);
    EXPECT_EQ(experience.steps(), 40);
  }
  const Dataset dataset(folder / "own");
  ASSERT_EQ(dataset.episodes(), 4u);
  const auto broken = dataset.read(0);
  ASSERT_EQ(broken.length(), 5u);
  EXPECT_EQ(broken.truncated, (std::vector<std::uint8_t>{0, 0, 0, 0, 1}));
  EXPECT_EQ(broken.terminated, std::vector<std::uint8_t>(5, 0));
  EXPECT_EQ(broken.rewards.back(), 0);
  const auto bytes = static_cast<std::ptrdiff_t>(broken.frame_bytes());
  EXPECT_TRUE(std::equal(broken.frames.end() - bytes, broken.frames.end(), broken.frames.end() - 2 * bytes));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(dataset.read(i).length(), 9u) << i;
  EXPECT_EQ(replay.steps(), 40);
}

}  // namespace world_fault_test
}  // namespace dream
