// A kept piece of a dream is lived again to the last bit, and what is not one is refused in words.
#include "core/dream/bundle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/system.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace bundle_test {

using Do = DreamControl::Do;

class Bundles : public ::testing::Test {
 protected:
  Bundles() {
    torch::set_num_threads(1);
    load(player_);
    player_.control(Do::pause);
  }
  static void load(Player& player, double motion = 0.1) { player.load(test::toy_system({.length = 600}, motion), "toy"); }
  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      player_.step(now_ += 0.02);
      player_.view();
    }
  }
  /// A dream with everything in it that a person can do.
  void live() {
    steps(3);
    player_.drive({true, {0.7f, 0, 0}, 0});
    steps(4);
    player_.drive({});
    player_.set_knob("tau_sigma", 4);
    steps(2);
    player_.take_pill();
    steps(2);
    player_.edit("latent/x", 0, -0.4f);
    steps(2);
    player_.hold({"latent/x", 0, 0.8f}, true);
    player_.set_coupling(Coupling::anchored, 3);
    steps(5);
    player_.randomise("latent/x");
    steps(1);
  }
  /// Written and read again, as a user would hand it on.
  Checkpoint through_a_file(const Checkpoint& bundle) {
    const auto file = folder_.path() / "kept.safetensors";
    bundle.save(file);
    EXPECT_TRUE(is_bundle(file));
    return Checkpoint::load(file);
  }
  test::TempFolder folder_;
  Player player_;
  double now_ = now_seconds();
};

TEST_F(Bundles, AreLivedAgainToTheLastBit) {
  live();
  const auto end = player_.view();
  const auto bundle = through_a_file(player_.keep(30));
  EXPECT_EQ(bundle.exact("actions", {-1, 3}).size(0), 20);
  Player again;
  load(again);
  const auto lived = again.replay(bundle);
  EXPECT_EQ(lived.steps, 19);
  EXPECT_EQ(lived.equal, 20);
  EXPECT_LT(lived.first_other, 0);
  auto view = again.view();
  EXPECT_EQ(view->step, 0) << "it holds still at the beginning";
  EXPECT_FALSE(view->playing);
  ASSERT_EQ(view->timeline.line.size(), 20u);
  again.go_to(view->timeline.line.back().id);
  view = again.view();
  EXPECT_EQ(view->frames[0].image->pixels, end->frames[0].image->pixels);
  EXPECT_EQ(view->frames[1].image->pixels, end->frames[1].image->pixels) << "the real world too";
  EXPECT_DOUBLE_EQ(view->dream_reward, end->dream_reward);
  EXPECT_DOUBLE_EQ(view->real_reward, end->real_reward);
  ASSERT_EQ(view->held.size(), 1u);
}

TEST_F(Bundles, KeepTheLastSecondsAlone) {
  live();
  const auto bundle = through_a_file(player_.keep(10 / static_cast<double>(player_.view()->natural_rate)));
  EXPECT_EQ(bundle.exact("actions", {-1, 3}).size(0), 11) << "where it begins, and ten steps";
  Player again;
  load(again);
  EXPECT_EQ(again.replay(bundle).equal, 11);
  EXPECT_EQ(again.view()->step, 9);
}

TEST_F(Bundles, OtherWeightsAndOtherWorldsAreRefused) {
  live();
  const auto bundle = through_a_file(player_.keep(30));
  Player other;
  load(other, 0.05);
  const auto before = other.view();
  EXPECT_THROW(other.replay(bundle), Error);
  EXPECT_EQ(other.view()->frames[0].image->pixels, before->frames[0].image->pixels);
  const auto lived = other.replay(bundle, true);
  EXPECT_EQ(lived.steps, 19);
  EXPECT_GT(lived.first_other, 0);
  EXPECT_GT(lived.largest, 0);
  auto foreign = bundle;
  foreign.metadata["environment"] = "CarRacing";
  EXPECT_THROW(other.replay(foreign, true), Error);
  Player none;
  EXPECT_THROW(none.keep(30), Error);
  EXPECT_THROW(none.replay(bundle), Error);
}

TEST_F(Bundles, DamagedOnesLeaveTheDreamAsItWas) {
  live();
  const auto whole = through_a_file(player_.keep(30));
  const auto before = player_.view();
  const auto refuses = [&](const char* what, auto damage) {
    auto bundle = whole;
    damage(bundle);
    EXPECT_THROW(player_.replay(bundle), std::exception) << what;
    const auto after = player_.view();
    EXPECT_EQ(after->step, before->step) << what;
    EXPECT_EQ(after->timeline.line.size(), before->timeline.line.size()) << what;
    EXPECT_EQ(after->frames[0].image->pixels, before->frames[0].image->pixels) << what;
    EXPECT_EQ(after->knobs[0].value, before->knobs[0].value) << what;
  };
  refuses("no bundle", [](Checkpoint& b) { b.metadata["kind"] = "a run"; });
  refuses("of a newer version", [](Checkpoint& b) { b.metadata["kind"] = "dreamscope bundle 9"; });
  refuses("cut description", [](Checkpoint& b) { b.metadata["dream"].resize(200); });
  refuses("no actions", [](Checkpoint& b) { b.tensors.erase("actions"); });
  refuses("an action that is not finite", [](Checkpoint& b) {
    b.tensors["actions"] = b.tensors["actions"].clone();
    b.tensors["actions"][7][0] = std::numeric_limits<float>::quiet_NaN();
  });
  refuses("a foreign world's state", [](Checkpoint& b) { b.tensors["env"] = torch::zeros({3}, torch::kUInt8); });
  refuses("a foreign random state", [](Checkpoint& b) { b.tensors["chance"] = torch::zeros({8}, torch::kUInt8); });
  refuses("a carry of another size", [](Checkpoint& b) { b.tensors["dream/x"] = torch::zeros({1, 5}); });
  refuses("a knob out of range, late", [](Checkpoint& b) {
    auto& text = b.metadata["dream"];
    text.replace(text.rfind("\"tau_sigma\":4"), 13, "\"tau_sigma\":99");
  });
}

TEST_F(Bundles, FindTheirRun) {
  live();
  auto bundle = through_a_file(player_.keep(30));
  bundle.metadata["run"] = "/elsewhere/my_run";
  std::filesystem::create_directories(folder_.path() / "runs" / "my_run");
  EXPECT_THROW(run_of_bundle(bundle, folder_.path(), folder_.path() / "own"), Error);
  Checkpoint empty;
  empty.save(folder_.path() / "runs" / "my_run" / "checkpoint.safetensors");
  EXPECT_EQ(run_of_bundle(bundle, folder_.path(), folder_.path() / "own"), folder_.path() / "runs" / "my_run");
  EXPECT_FALSE(is_bundle(folder_.path() / "runs" / "my_run" / "checkpoint.safetensors"));
  EXPECT_FALSE(is_bundle(folder_.path()));
}

/// Where it was to go from here on is of the dream: what it is worth, and what is shown, hang on it.
TEST(GoalBundles, AGoalThatWasSetIsLivedAgain) {
  torch::set_num_threads(1);
  const auto system = [] {
    return std::shared_ptr<System>(load_system(Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/assets/runs/two_room_jepa/checkpoint.safetensors"), "cpu"));
  };
  Player player;
  player.load(system(), "rooms");
  player.start_at(5, 5);
  player.control(Do::pause);
  player.set_coupling(Coupling::anchored, 3);
  player.drive({true, {0.5f, 0.2f}, 0});
  double now = now_seconds();
  const auto steps = [&](int count) {
    for (int i = 0; i < count; ++i) player.step(now += 0.1), player.view();
  };
  const auto goal_of = [](const DreamView& view) {
    const auto shown = std::ranges::find(view.frames, std::string("goal"), &Frame::name);
    return shown == view.frames.end() ? std::vector<std::uint8_t>() : shown->image->pixels;
  };
  steps(4);
  const auto before = goal_of(*player.view());
  ASSERT_FALSE(before.empty());
  player.set_goal({0.2f, 0.3f, ""});
  steps(5);
  player.set_goal({0.8f, 0.7f, ""});
  steps(4);
  const auto end = player.view();
  EXPECT_NE(goal_of(*end), before);
  Player again;
  again.load(system(), "rooms");
  const auto lived = again.replay(player.keep(30));
  EXPECT_EQ(lived.equal, lived.steps + 1);
  EXPECT_EQ(goal_of(*again.view()), before);
  again.go_to(again.view()->timeline.line.back().id);
  const auto view = again.view();
  EXPECT_EQ(goal_of(*view), goal_of(*end));
  EXPECT_DOUBLE_EQ(view->dream_reward, end->dream_reward);
  const auto real = [](const DreamView& v) { return std::ranges::find(v.frames, std::string("real"), &Frame::name)->image->pixels; };
  EXPECT_EQ(real(*view), real(*end));
}

}  // namespace bundle_test
}  // namespace dream
