// The player over a toy world whose model knows the truth, so that dream and reality can be compared exactly.
#include "core/dream/player.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/env/repeated.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace player_test {

using Do = DreamControl::Do;

class PlayerTest : public ::testing::Test {
 protected:
  PlayerTest() { torch::set_num_threads(1); }
  void load(Player& player, test::ToyOptions options = {.length = 600}, double motion = 0.1) {
    player.load(test::toy_system(options, motion), "toy");
    player.watch({"latent/x"});
    player.set_knob("tau_sigma", 0);  // the dream is exact
  }
  /// `count` steps; the positions of dream and real world after each.
  std::vector<std::pair<double, double>> run(Player& player, int count) {
    std::vector<std::pair<double, double>> path;
    for (int i = 0; i < count; ++i) {
      player.step(now_ += 0.02);
      const auto view = player.view();
      const auto& bars = std::get<Vector>(*view->probes.at(0).value);
      path.emplace_back(bars.values[1], bars.mean[1]);  // the mean is the encoder's opinion of the real frame
    }
    return path;
  }
  double now_ = now_seconds();  // the player's clock, which a new dream reads itself
};

TEST_F(PlayerTest, ShowsNothingBeforeAModelIsLoaded) {
  Player player;
  EXPECT_FALSE(player.loaded());
  EXPECT_FALSE(player.view()->ready);
  EXPECT_EQ(player.until_due(0), std::numeric_limits<double>::infinity());
  player.control(Do::restart);
  player.control(Do::new_start);
  player.control(Do::step);
  player.edit("latent/x", 0, 1);
  player.randomise("latent/x");
  player.set_twin(false);
  player.set_twin(true);
  player.drive({true, {1, 0, 0}, 0});
  EXPECT_FALSE(player.view()->ready);
}

TEST_F(PlayerTest, BeginsAfterAWarmUpAndDreamsTheTruth) {
  Player player;
  load(player);
  auto view = player.view();
  EXPECT_TRUE(view->ready);
  EXPECT_EQ(view->step, 0);
  EXPECT_TRUE(view->twin);
  ASSERT_EQ(view->frames.size(), 4u);
  for (const auto& frame : view->frames) EXPECT_NE(frame.image, nullptr) << frame.name;
  EXPECT_EQ(view->frames[0].image->width, 64);
  EXPECT_EQ(view->world, "Toy · Toy model");
  EXPECT_EQ(view->run_title, "toy");
  // The controller steered during the warm-up: the world is no longer at its beginning.
  const auto path = run(player, 30);
  EXPECT_GT(std::abs(path[0].second), 0.1);
  for (const auto& [dream, real] : path) EXPECT_NEAR(dream, real, 0.02);
  view = player.view();
  EXPECT_EQ(view->step, 30);
  EXPECT_LT(view->frames[0].error, 1e-4);
  EXPECT_TRUE(view->has_reward);
  EXPECT_GT(view->real_reward, 0);
  EXPECT_EQ(view->action.size(), 3u);
  EXPECT_GT(player.view()->version, view->version);
}

TEST_F(PlayerTest, WhatIsWatchedWhileTheDreamHoldsStillIsShown) {
  Player player;
  load(player);
  player.control(Do::pause);
  player.watch({});
  EXPECT_TRUE(player.view()->probes.empty());
  player.watch({"latent/x"});
  ASSERT_TRUE(player.changed()) << "the window gets another view without a step";
  EXPECT_EQ(player.view()->probes.at(0).name, "latent/x");
  player.watch({"latent/x"});
  EXPECT_FALSE(player.changed()) << "the same names are no news";
}

TEST_F(PlayerTest, AWrongModelShowsItsError) {
  Player player;
  load(player, {.length = 200}, -0.1);  // it imagines the opposite motion
  player.drive({true, {-1, 0, 0}, 0});
  run(player, 10);
  const auto left = player.view()->frames[0].error;
  player.control(Do::restart);
  player.drive({true, {1, 0, 0}, 0});
  run(player, 10);
  const auto right = player.view()->frames[0].error;
  EXPECT_GT(std::max(left, right), 0.01);
  EXPECT_DOUBLE_EQ(player.view()->frames[3].error, right) << "the difference has the same error";
}

TEST_F(PlayerTest, RestartGivesTheSameRealFutureUnderTheSameActions) {
  Player player;
  load(player);
  const auto first = run(player, 20);
  player.control(Do::restart);
  EXPECT_EQ(player.view()->step, 0);
  EXPECT_EQ(player.view()->real_reward, 0);
  const auto second = run(player, 20);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(first[i].second, second[i].second, 1e-3) << i;
  player.control(Do::new_start);
  const auto third = run(player, 20);
  EXPECT_GT(std::abs(third[0].second - first[0].second), 0.01) << "another track";
  player.control(Do::restart);
  EXPECT_NEAR(run(player, 1)[0].second, third[0].second, 1e-3) << "restart keeps the new start";
}

TEST_F(PlayerTest, AHeldKeyTakesOverAndItsReleaseGivesBackWithoutAReset) {
  Player player;
  load(player);
  const double before = run(player, 3).back().second;
  const float away = before > 0 ? -1.0f : 1.0f;
  player.drive({true, {away, 0.25f, 0}, now_ + 0.01});
  const auto driven = run(player, 5);
  auto view = player.view();
  EXPECT_TRUE(view->hands_on);
  EXPECT_EQ(view->action, (std::vector<float>{away, 0.25f, 0}));
  EXPECT_NEAR(driven.back().first - before, static_cast<double>(away) * 0.5, 0.05);
  EXPECT_NEAR(driven.back().second - before, static_cast<double>(away) * 0.5, 0.05) << "the twin takes the same action";
  player.drive({});
  run(player, 1);
  view = player.view();
  EXPECT_FALSE(view->hands_on);
  EXPECT_EQ(view->step, 9) << "no reset";
  EXPECT_NE(view->action[0], away) << "the controller drives again";

  player.set_pilot(true);  // a person who touches nothing
  run(player, 1);
  EXPECT_EQ(player.view()->action, (std::vector<float>{0, 0, 0}));
  EXPECT_TRUE(player.view()->human_pilot);
  EXPECT_THROW(player.drive({true, {1, 0}, 0}), Error);
  EXPECT_EQ(player.view()->step, 10);
}

TEST_F(PlayerTest, AKeyIsAnsweredOnce) {
  Player player;
  load(player);
  player.drive({true, {1, 0, 0}, now_});
  player.step(now_ + 0.005);
  auto view = player.view();
  EXPECT_EQ(view->pressed_at, now_);
  EXPECT_NEAR(view->input_ms, 5, 1e-3);
  player.step(now_ + 0.025);
  EXPECT_EQ(player.view()->pressed_at, 0);
  const double due = now_ + 0.025 + player.until_due(now_ + 0.025);
  player.step(due);
  player.drive({true, {-1, 0, 0}, due + 0.004});
  EXPECT_EQ(player.until_due(due + 0.004), 0) << "at once, between two steps of the clock";
  player.step(due + 0.004);
  EXPECT_NEAR(player.until_due(due + 0.004), 0.036, 1e-9) << "which goes on as it did";
  player.drive({true, {1, 0, 0}, due + 0.006});
  EXPECT_GT(player.until_due(due + 0.006), 0.03) << "hands do not make the world faster";
}

TEST_F(PlayerTest, KeepsItsClock) {
  Player player;
  load(player);
  player.set_speed(10);
  const double began = now_ + 100;
  player.step(began);
  EXPECT_LE(player.until_due(began), 0.1 + 1e-6);
  for (int i = 1; i < 30; ++i) player.step(began + 0.1 * i);
  EXPECT_NEAR(player.view()->measured_rate, 10, 1);
  const double later = began + 1000;  // after a long stand-still nothing is caught up with
  player.step(later);
  int due = 0;
  for (; due < 10 && player.until_due(later) <= 0; ++due) player.step(later);
  EXPECT_LE(due, 2);
  player.set_speed(0);
  player.step(later + 1);
  EXPECT_EQ(player.until_due(later + 1), 0) << "as fast as it can";
  player.control(Do::pause);
  EXPECT_EQ(player.until_due(later + 2), std::numeric_limits<double>::infinity());
  const auto step = player.view()->step;
  player.control(Do::step);
  EXPECT_EQ(player.view()->step, step + 1);
  EXPECT_FALSE(player.view()->playing);
  player.control(Do::play);
  EXPECT_TRUE(player.view()->playing);
}

TEST_F(PlayerTest, EditsTheDreamAloneAndAtOnce) {
  Player player;
  load(player);
  const double real = run(player, 1).back().second;
  player.edit("latent/x", 1, -0.75f);
  const auto view = player.view();
  const auto& bars = std::get<Vector>(*view->probes.at(0).value);
  EXPECT_FLOAT_EQ(bars.values[1], -0.75f);
  EXPECT_NEAR(bars.mean[1], real, 1e-2) << "the real world is not edited";
  const auto& pixels = view->frames[0].image->pixels;
  EXPECT_NEAR(pixels.back(), 0.125 * 255, 1.5) << "the decoded frame follows";
  EXPECT_GT(view->frames[0].error, 0.001);
  EXPECT_THROW(player.edit("latent/x", 7, 0), Error);
  EXPECT_THROW(player.edit("latent/y", 0, 0), Error);
  EXPECT_THROW(player.edit("latent/x", 0, NAN), Error);
  player.randomise("latent/x");
  EXPECT_NE(std::get<Vector>(*player.view()->probes.at(0).value).values[1], -0.75f);
  player.control(Do::restart);
  const auto path = run(player, 5);
  EXPECT_NEAR(path.back().first, path.back().second, 0.02) << "a restart undoes the edit";
}

TEST_F(PlayerTest, WhatIsHeldStaysUntilItIsLetGo) {
  Player player;
  load(player);
  run(player, 1);
  const auto shown = [&] { return std::get<Vector>(*player.view()->probes.at(0).value).values[1]; };
  const auto drawn = shown();
  player.hold({"latent/x", 1, -0.75f}, true);
  EXPECT_FLOAT_EQ(shown(), -0.75f);
  player.hold({"latent/x", 1, -0.75f}, false);
  EXPECT_FLOAT_EQ(shown(), drawn) << "within the same step the model's own value comes back";
  player.hold({"latent/x", 1, -0.75f}, true);
  for (const auto& [dream, real] : run(player, 5)) {
    EXPECT_FLOAT_EQ(static_cast<float>(dream), -0.75f);
    EXPECT_GT(real, -0.7) << "the real world is not held";
  }
  player.control(Do::restart);
  EXPECT_FLOAT_EQ(shown(), -0.75f) << "another dream is held as well";
  ASSERT_EQ(player.view()->held.size(), 1u);
  EXPECT_EQ(player.view()->held[0].index, 1);
  EXPECT_THROW(player.hold({"latent/x", 7, 0}, true), Error);
  EXPECT_THROW(player.hold({"latent/x", 0, NAN}, true), Error);
  player.hold({"latent/x", 1, 0.25f}, true);
  EXPECT_FLOAT_EQ(shown(), 0.25f) << "a later value takes the place of the former";
  EXPECT_EQ(player.view()->held.size(), 1u);
  load(player);
  EXPECT_TRUE(player.view()->held.empty()) << "another model is not held";
}

TEST_F(PlayerTest, TheTwinCanBeSwitchedOffAndOn) {
  Player player;
  load(player);
  player.set_twin(false);
  run(player, 4);
  auto view = player.view();
  EXPECT_FALSE(view->twin);
  ASSERT_EQ(view->frames.size(), 4u);
  EXPECT_NE(view->frames[0].image, nullptr);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(view->frames[i].image, nullptr);
  EXPECT_LT(view->frames[0].error, 0);
  EXPECT_EQ(view->step, 4);
  EXPECT_EQ(view->real_reward, 0);
  player.set_twin(true);  // both from the common start, so that the difference means something
  EXPECT_EQ(player.view()->step, 0);
  const auto path = run(player, 10);
  EXPECT_NEAR(path.back().first, path.back().second, 0.02);
}

TEST_F(PlayerTest, TheDreamGoesOnAfterTheRealEpisodeIsOver) {
  Player player;
  load(player, {.length = 10});
  run(player, 20);
  const auto view = player.view();
  EXPECT_EQ(view->step, 20);
  EXPECT_EQ(view->frames[1].caption, "reality ended at step 10");
  EXPECT_EQ(view->frames[0].error, -1) << "a picture of step 10 is nothing to hold step 20 against";
  EXPECT_FALSE(view->frames[0].past);
  EXPECT_TRUE(view->frames[1].past && view->frames[3].past);
  EXPECT_EQ(view->frames[3].image, nullptr);
}

TEST_F(PlayerTest, ADreamThatDriftsIsAnchoredEverySoManyStepsOrByAPill) {
  Player player;
  load(player, {.length = 600}, 0.02);  // it moves a fifth as far as the truth
  player.drive({true, {0.5f, 0, 0}, 0});
  const auto apart = [](const std::pair<double, double>& both) { return std::abs(both.first - both.second); };
  EXPECT_GT(apart(run(player, 8).back()), 0.1) << "it drifts";
  player.take_pill();
  EXPECT_LT(apart(run(player, 1).back()), 0.02) << "it has seen one real frame";
  EXPECT_EQ(player.view()->frames[0].caption, "0 steps since the last real frame");
  EXPECT_TRUE(player.view()->timeline.line.back().anchored);
  player.drive({true, {-0.5f, 0, 0}, 0});
  EXPECT_GT(apart(run(player, 4).back()), 0.1) << "one frame alone";

  player.control(Do::restart);
  player.set_coupling(Coupling::anchored, 5);
  const auto path = run(player, 15);
  for (const std::size_t step : {5u, 10u, 15u}) {
    EXPECT_LT(apart(path[step - 1]), 0.02) << step;
    EXPECT_GT(apart(path[step - 2]), 0.05) << step;
  }
  EXPECT_EQ(player.view()->coupling_steps, 5);
  EXPECT_THROW(player.set_coupling(Coupling::anchored, 0), Error);
  EXPECT_THROW(player.set_coupling(Coupling::reality_leads, 51), Error);
  player.set_twin(false);
  EXPECT_THROW(player.take_pill(), Error) << "nothing real goes with it";
}

TEST_F(PlayerTest, TakesNewWeightsWithoutAnInterruption) {
  Player player;
  load(player);
  run(player, 5);
  const auto donor = test::toy_system({}, 0.0);  // the world stands still in this model
  donor->behaviour = test::toy_driver(0, 0.3);
  Checkpoint weights;
  donor->store_weights(weights);
  player.take_weights(weights, "newer");
  EXPECT_EQ(player.view()->step, 5);
  EXPECT_EQ(player.view()->run_title, "newer");
  const auto path = run(player, 3);
  EXPECT_FLOAT_EQ(static_cast<float>(path.front().first), static_cast<float>(path.back().first))
      << "the new M imagines";
  EXPECT_NEAR(player.view()->action[0], std::tanh(0.3), 1e-4) << "the new C drives";

  Checkpoint foreign;
  foreign.tensors["model/motion"] = torch::zeros({4});
  EXPECT_THROW(player.take_weights(foreign, "foreign"), Error);
  EXPECT_EQ(player.view()->run_title, "newer");
  EXPECT_EQ(player.view()->step, 8);
  EXPECT_NEAR(run(player, 1)[0].first, path.back().first, 1e-6);
}

/// A change of model does not end the episode: the real world goes on from where it stands.
TEST_F(PlayerTest, AnotherModelTakesOverInTheRunningWorld) {
  Player player;
  load(player);
  player.drive({true, {0.5f, 0, 0}, 0});
  const auto before = run(player, 12).back().second;
  const auto other = test::toy_system({.length = 600}, 0.0);
  player.load(other, "other");
  EXPECT_EQ(player.view()->step, 0);
  EXPECT_EQ(player.view()->run_title, "other");
  player.drive({true, {-0.5f, 0, 0}, 0});
  auto path = run(player, 4);
  EXPECT_NEAR(path[0].second, before - 0.05, 0.01) << "one step further, not a new episode";
  EXPECT_NEAR(path[3].first, before, 0.01) << "this model thinks that the world stands still";
  player.control(Do::restart);
  EXPECT_NEAR(run(player, 1)[0].second, before - 0.05, 0.01) << "restart comes back to the change";
}

/// Nor does the episode go on in another world, or in the same one where every action counts twice: what was watched is
/// of another pace.
TEST_F(PlayerTest, AnotherWorldOrPaceBeginsAnew) {
  for (const bool elsewhere : {false, true}) {
    Player player;
    load(player);
    const auto start = run(player, 1)[0].second;
    player.drive({true, {start > 0 ? -0.5f : 0.5f, 0, 0}, 0});
    const auto here = run(player, 8).back().second;
    ASSERT_GT(std::abs(here - start), 0.3);
    const auto next = test::toy_system({.length = 600});
    if (elsewhere) {
      next->environment = "Another toy";
    } else {
      next->make_env = [] { return std::make_unique<RepeatedEnv>(std::make_unique<test::ToyEnv>(), 2); };
    }
    player.load(next, "next");
    player.drive({true, {0, 0, 0}, 0});
    EXPECT_GT(std::abs(run(player, 1)[0].second - here), 0.2) << elsewhere;
  }
}

/// Sees the world shifted by its weight, so that it shows by which weights a start was seen.
class Shifted : public test::ToyModel {
 public:
  using ToyModel::ToyModel;
  Carry observe(const Carry& carry, const torch::Tensor& action, const Observation& seen, at::Generator rng) override {
    auto next = ToyModel::observe(carry, action, seen, rng);
    next["x"] = next["x"] + 5 * parameters()[0];
    return next;
  }
};

TEST_F(PlayerTest, AStartIsSeenAnewByNewWeights) {
  const auto system = test::toy_system({.length = 600});
  system->model = std::make_shared<Shifted>(0.1);
  Player player;
  player.load(system, "shifted");
  player.watch({"latent/x"});
  const auto seen = [&] { return std::get<Vector>(*player.view()->probes.at(0).value).values[0]; };
  const auto at_first = seen();
  run(player, 5);
  Checkpoint weights;
  const auto donor = test::toy_system();
  donor->model = std::make_shared<Shifted>(0.3);
  donor->store_weights(weights);
  player.take_weights(weights, "newer");
  EXPECT_EQ(player.view()->step, 5) << "the dream goes on";
  player.control(Do::restart);
  EXPECT_NEAR(seen(), at_first + 1, 0.01) << "the start, as the new weights see it";
}

TEST_F(PlayerTest, ShortEpisodesAreWatchedForShorter) {
  for (const int length : {1, 4, 30}) {
    Player player;
    load(player, {.length = 1000, .terminated = length});  // ends long before the time limit
    EXPECT_TRUE(player.view()->ready) << length;
    EXPECT_EQ(player.view()->frames[1].caption, "same actions, same start") << length;
  }
}

/// The toy's model takes its 91st state for the last one; 61 of them were real.
TEST_F(PlayerTest, ADreamThatEndedIsShownAndTheNextOneBegins) {
  Player player;
  load(player);
  run(player, 29);
  EXPECT_EQ(player.view()->frames[0].caption, "29 steps since the last real frame");
  run(player, 1);
  EXPECT_EQ(player.view()->frames[0].caption, "the dream ended after 30 steps");
  EXPECT_GT(player.until_due(now_), 0.9) << "time to see the end";
  run(player, 1);
  EXPECT_EQ(player.view()->step, 0);
  EXPECT_LT(player.until_due(now_seconds()), 0.1);
  const auto path = run(player, 5);
  EXPECT_EQ(player.view()->step, 5);
  EXPECT_NEAR(path.back().first, path.back().second, 0.02) << "the real world began anew as well";
}

TEST_F(PlayerTest, ASystemThatCannotDreamLeavesTheDreamUntouched) {
  Player player;
  load(player);
  run(player, 5);
  const auto broken = test::toy_system();
  broken->make_env = []() -> std::unique_ptr<Env> { throw Error("no such world"); };
  EXPECT_THROW(player.load(broken, "broken"), Error);
  EXPECT_EQ(player.view()->step, 5);
  EXPECT_EQ(player.view()->run_title, "toy");
  const auto path = run(player, 5);
  EXPECT_NEAR(path.back().first, path.back().second, 0.02);
}

TEST_F(PlayerTest, KnobsAreThoseOfTheSystemAndChecked) {
  Player player;
  EXPECT_THROW(player.set_knob("tau_sigma", 1), Error) << "nothing is loaded";
  load(player);
  const auto knobs = player.view()->knobs;
  ASSERT_EQ(knobs.size(), 1u);
  EXPECT_EQ(knobs[0].knob.name, "tau_sigma");
  EXPECT_EQ(knobs[0].value, 0) << "load() has set it";
  for (const double value : {-1.0, 10.5, double{NAN}, double{INFINITY}}) {
    EXPECT_THROW(player.set_knob("tau_sigma", value), Error) << value;
  }
  EXPECT_THROW(player.set_knob("tau_mixture", 1), Error) << "another model's";
  player.set_knob("tau_sigma", 9);
  EXPECT_EQ(player.view()->knobs[0].value, 9);
  double apart = 0;
  for (const auto& [dream, real] : run(player, 15)) apart = std::max(apart, std::abs(dream - real));
  EXPECT_GT(apart, 0.02) << "σ·√9 shakes the dream";
}

}  // namespace player_test
}  // namespace dream
