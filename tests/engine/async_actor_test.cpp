// DayDreamer's arrangement: an actor and a learner that never wait for each other. A gate stands in for a slow world.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/error.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/trainer.h"
#include "core/env/registry.h"
#include "core/env/repeated.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace async_actor_test {

/// Lets `allowed` steps of all environments pass, then holds them until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    held_ = !open_ && passed_ >= allowed_;
    changed_.wait(lock, [&] { return open_ || passed_ < allowed_; });
    held_ = false;
    ++passed_;
  }
  void allow(int steps) {
    std::lock_guard lock(mutex_);
    allowed_ += steps;
    changed_.notify_all();
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool holds() const {  // somebody stands before it
    std::lock_guard lock(mutex_);
    return held_;
  }
  int passed() const {
    std::lock_guard lock(mutex_);
    return passed_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0, passed_ = 0;
  bool open_ = false, held_ = false;
};

class GatedEnv : public RepeatedEnv {
 public:
  GatedEnv(std::unique_ptr<Env> inner, std::shared_ptr<Gate> gate)
      : RepeatedEnv(std::move(inner), 1), gate_(std::move(gate)) {}
  StepResult step(std::span<const float> action) override {
    gate_->pass();
    return RepeatedEnv::step(action);
  }

 private:
  std::shared_ptr<Gate> gate_;
};

class AsyncActorTest : public ::testing::Test {
 protected:
  AsyncActorTest() { torch::set_num_threads(1); }
  /// The actor's worlds, and only those, stand behind the gate.
  std::unique_ptr<Trainer> trainer(bool resume = false) {
    auto system = test::tiny_dreamer({"dreamer-v3", "Catch", {}}, folder_ / "run",
                                     {"train.actor=async", "train.weights_every=2", "train.steps=400"});
    parts_ = std::static_pointer_cast<DreamerParts>(system->parts);
    parts_->make_actor_system = [make_system = parts_->make_actor_system, gate = gate_] {
      auto actors = make_system();
      actors->make_env = [make = actors->make_env, gate] { return std::make_unique<GatedEnv>(make(), gate); };
      return actors;
    };
    return std::make_unique<Trainer>(std::move(system), Trainer::Options{1e9, "learn"}, resume);
  }
  template <typename Condition>
  bool comes(const Condition& condition) {
    for (int i = 0; i < 20000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  test::TempFolder folder_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::shared_ptr<DreamerParts> parts_;
};

TEST_F(AsyncActorTest, TheLearnerGoesOnWhileTheWorldStandsStill) {
  const auto run = trainer();
  gate_->allow(100);
  ASSERT_TRUE(comes([&] { return run->advance() && parts_->updates > 0; }));
  ASSERT_TRUE(comes([&] { return gate_->passed() == 100; }));
  const auto before = parts_->updates;
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(run->advance());
  EXPECT_EQ(parts_->updates, before + 30) << "not one advance waited for a step of the environment";
  EXPECT_EQ(gate_->passed(), 100);
  gate_->open();
  run->close();
}

TEST_F(AsyncActorTest, TheActorGoesOnWhileTheLearnerStandsStill) {
  const auto run = trainer();
  ASSERT_TRUE(run->advance());
  gate_->allow(150);
  EXPECT_TRUE(comes([&] { return gate_->passed() == 150; }));
  EXPECT_EQ(parts_->updates, 0);
  gate_->open();
  run->close();
}

TEST_F(AsyncActorTest, NewWeightsReachTheActorAndAStoppedRunGoesOnWhereItWas) {
  std::int64_t updates = 0;
  {
    const auto run = trainer();
    gate_->allow(120);
    ASSERT_TRUE(comes([&] { return run->advance() && parts_->updates > 0 && gate_->passed() == 120 && gate_->holds(); }));
    const auto age = [&] {  // of the weights that act, in updates
      const auto text = run->current()->detail();
      return std::stoi(text.substr(text.find("weights are ") + 12));
    };
    run->advance();
    const auto before = age();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(run->advance());
    EXPECT_EQ(age(), before + 10) << "the actor stands at the gate with the weights that it had";
    gate_->allow(4);
    EXPECT_TRUE(comes([&] { return run->advance() && age() < 10; })) << run->current()->detail();
    gate_->open();
    run->close();
    updates = parts_->updates;
  }
  const auto again = trainer(true);
  EXPECT_EQ(parts_->updates, updates);
  ASSERT_TRUE(comes([&] { return !again->advance(); })) << "the rest of its 400 steps";
  EXPECT_GT(parts_->updates, updates);
  again->close();
}

/// Live settings reach the actor with the next weights, and more steps than were asked for first.
TEST_F(AsyncActorTest, LiveSettingsReachTheActor) {
  const auto run = trainer();
  std::shared_ptr<System> actors;
  parts_->make_actor_system = [make_system = parts_->make_actor_system, &actors] { return actors = make_system(); };
  gate_->open();
  ASSERT_TRUE(run->advance());
  ASSERT_TRUE(comes([&] { return gate_->passed() == 400; })) << "the actor rests; the learner has not noticed";
  run->set("train.steps", std::int64_t{500});
  run->set("behaviour.exploration_noise", 0.5);
  ASSERT_TRUE(comes([&] { return !run->advance(); })) << "the learner waited for steps that nobody made";
  EXPECT_EQ(gate_->passed(), 500);
  run->close();
  EXPECT_EQ(std::static_pointer_cast<DreamerParts>(actors->parts)->actor_critic->live_options().exploration_noise, 0.5);
}

/// Stopped before its actor has so much as opened the dataset, a run that goes on has lost nothing.
TEST_F(AsyncActorTest, StoppedBeforeTheActorBeginsNothingIsLost) {
  {
    const auto run = trainer();
    gate_->allow(150);
    ASSERT_TRUE(comes([&] { return run->advance() && gate_->passed() == 150; }));
    ASSERT_TRUE(run->advance());
    gate_->open();
    run->close();
  }
  const auto counters = [&](const char* name) { return test::all_of(folder_ / "run").at(name); };
  const auto before = counters("learn.experience/counters").clone();
  const auto steps = counters("learn.counters")[2].item<std::int64_t>();
  EXPECT_GE(steps, 148);
  {
    const auto run = trainer(true);
    const auto door = std::make_shared<Gate>();
    parts_->make_actor_system = [make_system = parts_->make_actor_system, door] {
      auto actors = make_system();
      actors->make_env = [make = actors->make_env, door] {
        door->pass();
        return make();
      };
      return actors;
    };
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(run->advance());
    run->save();
    EXPECT_GE(counters("learn.experience/counters")[0].item<std::int64_t>(), before[0].item<std::int64_t>());
    EXPECT_GE(counters("learn.experience/counters")[2].item<std::int64_t>(), before[2].item<std::int64_t>());
    EXPECT_GE(counters("learn.counters")[2].item<std::int64_t>(), steps);
    door->open();
    run->close();
  }
}

TEST_F(AsyncActorTest, WhatEndsTheActorIsToldByTheLearner) {
  const auto run = trainer();
  parts_->make_actor_system = [make_system = parts_->make_actor_system] {
    auto actors = make_system();
    actors->make_env = []() -> std::unique_ptr<Env> { throw Error("the robot's battery is empty"); };
    return actors;
  };
  std::string message;
  EXPECT_TRUE(comes([&] {
    message = test::message_of<Error>([&] { run->advance(); });
    return !message.empty();
  }));
  EXPECT_EQ(message, "the robot's battery is empty");
}

}  // namespace async_actor_test
}  // namespace dream
