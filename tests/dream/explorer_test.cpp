// What a person explores a dream with: futures side by side, other lines beside this one, couplings to the real world.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "tests/support/toy.h"

namespace dream {
namespace explorer_test {

using Do = DreamControl::Do;

class Explorer : public ::testing::Test {
 protected:
  Explorer() { torch::set_num_threads(1); }
  void load(double motion = 0.1, int length = 600) {
    player_.load(test::toy_system({.length = length}, motion), "toy");
    player_.control(Do::pause);
    player_.watch({"latent/x"});
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) player_.step(now_ += 0.02);
  }
  /// Where the dream's lower half stands: its position, 0 … 255.
  static int level(const std::shared_ptr<const Image>& picture) { return picture->pixels.back(); }
  int position() { return level(player_.view()->frames[0].image); }
  std::vector<FutureView> futures() { return player_.view()->fan.futures; }
  Frame frame(const std::string& name) {
    const auto view = player_.view();  // it holds the frames
    for (const auto& frame : view->frames) {
      if (frame.name == name) return frame;
    }
    return {};
  }
  std::int64_t here() {
    const auto view = player_.view();
    return view->timeline.line[view->timeline.present].id;
  }
  Player player_;
  double now_ = now_seconds();
};

TEST_F(Explorer, AFanOverActionsGoesWhereEachActionLeads) {
  load();
  player_.set_knob("tau_sigma", 0);
  steps(3);
  const auto began = position();
  player_.open_fan(FanOver::action, "");
  EXPECT_TRUE(player_.view()->playing);
  steps(4);
  const auto view = player_.view();
  EXPECT_EQ(view->step, 3) << "the dream waits";
  EXPECT_EQ(view->fan.over, FanOver::action);
  EXPECT_EQ(view->fan.from_step, 3);
  EXPECT_EQ(view->fan.steps, 4);
  ASSERT_EQ(view->fan.futures.size(), 9u);
  EXPECT_EQ(view->fan.futures[0].label, "steer -1");
  EXPECT_EQ(view->fan.futures[8].label, "steer 1");
  for (std::size_t i = 1; i < 9; ++i)
    EXPECT_GT(level(view->fan.futures[i].picture), level(view->fan.futures[i - 1].picture)) << i;
  EXPECT_NEAR(level(view->fan.futures[4].picture), began, 1) << "steer 0";

  const auto wanted = level(view->fan.futures[8].picture);
  player_.take_future(8);
  EXPECT_EQ(player_.view()->fan.over, FanOver::closed);
  EXPECT_EQ(player_.view()->step, 7);
  EXPECT_FALSE(player_.view()->playing);
  EXPECT_EQ(position(), wanted);
  EXPECT_NEAR(level(frame("real").image), wanted, 2) << "the real world took the same actions";
  const auto taken = player_.view();
  EXPECT_EQ(taken->timeline.line.size(), 8u) << "every step can be gone back to";
  for (std::size_t i = 4; i < 8; ++i) {
    EXPECT_GE(taken->timeline.line[i].error, 0) << "and was held against the real world, step " << i;
    EXPECT_NE(taken->timeline.line[i].picture, nullptr);
  }
  EXPECT_EQ(taken->honesty.now, 7);
  player_.control(Do::back);
  EXPECT_EQ(player_.view()->step, 6);
  EXPECT_THROW(player_.take_future(0), Error) << "none is open";
}

TEST_F(Explorer, AFanGivesBackWhetherTheDreamPlayed) {
  load();
  player_.open_fan(FanOver::chance, "");
  steps(3);
  player_.close_fan();
  EXPECT_FALSE(player_.view()->playing);
  player_.control(Do::play);
  player_.open_fan(FanOver::chance, "");
  player_.open_fan(FanOver::knob, "tau_sigma");
  steps(3);
  player_.close_fan();
  EXPECT_TRUE(player_.view()->playing);
  player_.open_fan(FanOver::chance, "");
  player_.control(Do::pause);
  player_.close_fan();
  EXPECT_FALSE(player_.view()->playing) << "it was told to stand";
}

TEST_F(Explorer, APauseIsNoSlowness) {
  load();
  player_.control(Do::play);
  steps(120);
  EXPECT_NEAR(player_.view()->measured_rate, 50, 3);
  player_.control(Do::pause);
  now_ += 60;
  player_.control(Do::play);
  steps(20);
  EXPECT_EQ(player_.view()->measured_rate, 0) << "not known yet";
  steps(60);
  EXPECT_NEAR(player_.view()->measured_rate, 50, 3);
}

TEST_F(Explorer, AFanOverChanceOrAKnobSpreadsWithIt) {
  load();
  player_.set_knob("tau_sigma", 10);
  player_.open_fan(FanOver::chance, "");
  steps(20);
  auto all = futures();
  ASSERT_EQ(all.size(), 9u);
  std::set<int> places;
  for (const auto& future : all) places.insert(level(future.picture));
  EXPECT_GT(places.size(), 4u) << "chance alone parts them";

  player_.open_fan(FanOver::knob, "tau_sigma");
  all = futures();
  ASSERT_EQ(all.size(), 9u);
  EXPECT_EQ(all[0].label, "σ 0");
  EXPECT_EQ(all[8].label, "σ 10");
  EXPECT_EQ(player_.view()->fan.title, "τ of σ");
  steps(400);
  EXPECT_EQ(player_.view()->fan.steps, Fan::most_steps) << "there it waits";
  EXPECT_FALSE(player_.view()->playing);
  EXPECT_THROW(player_.take_future(9), Error);
  EXPECT_THROW(player_.open_fan(FanOver::knob, "speed"), Error);
  player_.control(Do::back);
  EXPECT_EQ(player_.view()->fan.over, FanOver::closed);
}

TEST_F(Explorer, HandsDriveEveryFutureAndWhatIsHeldIsHeldInAll) {
  load();
  player_.set_knob("tau_sigma", 0);
  const auto began = position();
  player_.open_fan(FanOver::chance, "");
  player_.drive({true, {1, 0, 0}, 0});
  steps(3);
  for (const auto& future : futures()) EXPECT_GT(level(future.picture), began + 20);
  player_.drive({});
  player_.hold({"latent/x", 1, 0.5f}, true);
  EXPECT_EQ(player_.view()->fan.over, FanOver::closed) << "it was of another moment";
  player_.open_fan(FanOver::chance, "");
  steps(5);
  for (const auto& future : futures()) EXPECT_NEAR(level(future.picture), 191, 1);
}

TEST_F(Explorer, FollowsTheActionsOfABranchToItsEnd) {
  load();
  steps(2);
  const auto fork = here();
  player_.drive({true, {0.8f, 0, 0}, 0});
  steps(3);
  player_.drive({true, {-0.3f, 0, 0}, 0});
  steps(3);
  player_.drive({});
  const auto end = here();
  const auto there = position();
  player_.go_to(fork);
  player_.follow(end);
  EXPECT_EQ(player_.view()->following, 6);
  EXPECT_TRUE(player_.view()->playing);
  steps(6);
  EXPECT_EQ(player_.view()->step, 8);
  EXPECT_EQ(here(), end) << "the same chance and actions: lived again, bit for bit";
  EXPECT_FALSE(player_.view()->playing) << "it was followed to its end";

  player_.go_to(fork);
  player_.hold({"latent/x", 0, -0.9f}, true);  // another memory of the target, the same actions
  player_.follow(end);
  steps(6);
  EXPECT_NE(here(), end);
  EXPECT_EQ(player_.view()->step, 8);
  EXPECT_NEAR(position(), there, 8) << "the position went as the actions say";
  EXPECT_NEAR(player_.view()->action[0], -0.3f, 1e-6f);

  player_.compare_with(end);
  auto view = player_.view();
  EXPECT_EQ(view->compared_with, end);
  EXPECT_GT(frame("branch difference").error, 1e-3) << "the targets differ";
  EXPECT_EQ(level(frame("branch").image), there);
  player_.hold({"latent/x", 0, -0.9f}, false);
  player_.go_to(fork);
  EXPECT_LT(frame("branch difference").error, 1e-6) << "there both are one";
  EXPECT_THROW(player_.compare_with(4711), Error);
  player_.control(Do::restart);
  EXPECT_EQ(player_.view()->compared_with, Timeline::none);
  EXPECT_THROW(player_.follow(end), Error) << "another dream";
}

TEST_F(Explorer, TheTimelineKeepsPicturesAndSurprise) {
  load(-0.1);  // it imagines the opposite motion
  player_.drive({true, {0.5f, 0, 0}, 0});
  for (int i = 0; i < 4; ++i) {
    player_.view();
    steps(1);
  }
  const auto view = player_.view();
  ASSERT_EQ(view->timeline.line.size(), 5u);
  for (const auto& step : view->timeline.line) ASSERT_NE(step.picture, nullptr) << step.step;
  EXPECT_EQ(view->timeline.line.back().picture, view->frames[0].image);
  EXPECT_TRUE(std::isnan(view->timeline.line.back().surprise)) << "this model cannot say";
  EXPECT_GT(view->timeline.bytes, 5 * 64.0 * 64 * 3);

  RunSpec spec;
  spec.recipe = "vmc", spec.environment = "CarRacing";
  player_.load(make_system(spec), "V-M-C, untrained");
  steps(2);
  EXPECT_TRUE(std::isfinite(player_.view()->timeline.line.back().surprise));
}

TEST_F(Explorer, CouplingsSayWhoLeads) {
  load(0.02);  // it moves a fifth as far as the truth
  player_.set_knob("tau_sigma", 0);
  const auto apart = [&] { return std::abs(position() - level(frame("real").image)); };
  player_.drive({true, {0.6f, 0, 0}, 0});
  player_.set_coupling(Coupling::dream_leads, 0);
  steps(6);
  EXPECT_GT(apart(), 20);
  player_.set_coupling(Coupling::awake, 0);
  steps(1);
  EXPECT_LE(apart(), 1) << "it stands on every real frame";
  steps(1);
  EXPECT_LE(apart(), 1);

  player_.control(Do::restart);
  player_.set_coupling(Coupling::reality_leads, 3);
  steps(2);
  EXPECT_EQ(frame("dream").caption, "3 steps ahead of reality");
  EXPECT_LT(frame("difference").error, 0) << "nothing that was foretold has arrived";
  const auto real = level(frame("real").image);
  EXPECT_NEAR(position() - real, 3 * 0.02 * 0.6 * 127.5, 2.0) << "three steps of its own motion from the real frame";
  const auto foretold = position();
  steps(3);
  const auto missed = level(frame("real").image) - foretold;  // of the lower half, in 255ths
  EXPECT_NEAR(frame("difference").error, std::pow(missed / 255.0, 2) / 2, 2e-4) << "what was dreamt for now";
}

/// Stays where it is, always about to steer by 0.4 and then by 0.6.
class Planning : public Behaviour {
 public:
  Decision decide(const Seen&, const Carry&, Mode, at::Generator) override {
    ++decided;
    return {torch::zeros({1, 3}), {}, {}, torch::tensor({{{0.4f, 0.0f, 0.0f}, {0.6f, 0.0f, 0.0f}}})};
  }
  int decided = 0;
};

TEST_F(Explorer, WhatIsForetoldOfWhoPlansIsWhatItPlanned) {
  const auto system = test::toy_system({.length = 600}, 0.1);
  const auto agent = std::make_shared<Planning>();
  system->behaviour = agent;
  player_.load(system, "toy");
  player_.control(Do::pause);
  player_.set_knob("tau_sigma", 0);
  player_.set_coupling(Coupling::reality_leads, 4);
  steps(1);
  const auto before = agent->decided;
  steps(1);
  EXPECT_EQ(agent->decided, before + 3) << "for this step; ahead of it a plan of three steps, and another for the fourth";
  EXPECT_NEAR(level(frame("dream").image) - level(frame("real").image), 0.1 * (0.4 + 0.6) * 127.5, 2.0);
}

TEST_F(Explorer, APictureOfAnybodysMakingIsSeenAndDreamtOnFrom) {
  load();
  player_.set_knob("tau_sigma", 0);
  steps(2);
  Image picture{64, 64, 3, std::vector<std::uint8_t>(64 * 64 * 3, 204)};  // target and position at 0.6
  player_.see_picture(picture);
  EXPECT_EQ(player_.view()->step, 3) << "while the dream holds still, at once";
  EXPECT_EQ(position(), 204);
  player_.drive({true, {1, 0, 0}, 0});
  steps(1);
  EXPECT_NEAR(position(), 204 + 12.75, 1) << "it goes on from there";
  player_.control(Do::back);
  player_.control(Do::back);
  player_.control(Do::back);
  EXPECT_EQ(player_.view()->step, 1);
  picture.width = 32;
  EXPECT_THROW(player_.see_picture(picture), Error) << "another size than the world's";
}

/// The toy's dreams end at the age of 90 frames; it has seen some 60 when they begin.
TEST_F(Explorer, ADreamThatBeginsWithAPaintingForgetsWhatWasBefore) {
  const Image picture{64, 64, 3, std::vector<std::uint8_t>(64 * 64 * 3, 204)};
  for (const bool first : {false, true}) {
    load();
    player_.set_coupling(Coupling::dream_leads, 0);
    steps(20);
    player_.see_picture(picture, first);
    EXPECT_EQ(position(), 204);
    steps(20);
    EXPECT_EQ(player_.view()->step == 41, first) << player_.view()->step << ": else it is over, and another has begun";
  }
}

TEST_F(Explorer, AnElementShowsWhatItDoesToThePicture) {
  load();
  player_.explain("latent/x", 1);
  auto view = player_.view();
  ASSERT_EQ(view->explained.pictures.size(), 5u);
  EXPECT_EQ(view->explained.pictures[0].value, -2);
  EXPECT_LT(level(view->explained.pictures[1].picture), level(view->explained.pictures[2].picture));
  EXPECT_NEAR(level(view->explained.pictures[2].picture), 127, 1) << "position 0";
  EXPECT_EQ(view->step, 0);
  EXPECT_THROW(player_.explain("latent/x", 7), Error);
  player_.explain("", -1);
  EXPECT_TRUE(player_.view()->explained.pictures.empty());
}

TEST_F(Explorer, InADriftTheAgentLooksAtTheRealWorld) {
  load(0.0);  // the dream never moves
  player_.set_knob("tau_sigma", 0);
  const auto actions = [&](Coupling how) {
    player_.control(Do::restart);
    player_.set_coupling(how, 0);
    player_.hold({"latent/x", 0, 0.9f}, true);  // the dream believes in another target
    std::vector<float> all;
    for (int i = 0; i < 5; ++i) steps(1), all.push_back(player_.view()->action[0]);
    return all;
  };
  EXPECT_NE(actions(Coupling::drift), actions(Coupling::dream_leads));
}

}  // namespace explorer_test
}  // namespace dream
