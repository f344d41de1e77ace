// What is lived through in a player's real world, as episodes.
#include "core/dream/episode_keeper.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream::episode_keeper_test {

using Do = DreamControl::Do;

class EpisodeKeeperTest : public ::testing::Test {
 protected:
  EpisodeKeeperTest() {
    torch::set_num_threads(1);
    load(40);
  }
  void load(int length) { player_.load(test::toy_system({.length = length}, 0.1), "toy"); }
  void keep() {
    player_.keep_episodes([this](Episode e) { kept_.push_back(std::move(e)); });
  }
  void run(int steps) {
    for (int i = 0; i < steps; ++i) player_.step(now_ += 0.02);
  }
  std::vector<Episode> kept_;
  Player player_;
  double now_ = now_seconds();
};

/// T actions and rewards, T + 1 frames.
void expect_whole(const Episode& e) {
  EXPECT_EQ(e.actions.size(), e.length() * static_cast<std::size_t>(e.action_size));
  EXPECT_EQ(e.frames.size(), (e.length() + 1) * e.frame_bytes());
  EXPECT_EQ(e.vectors.size(), (e.length() + 1) * static_cast<std::size_t>(e.vector_size));
  EXPECT_EQ(e.terminated.size(), e.length());
  EXPECT_TRUE(e.ended());
}

TEST_F(EpisodeKeeperTest, WhatIsLivedThroughIsAnEpisode) {
  keep();
  player_.set_pilot(true);
  player_.drive({true, {0.5f, 0, 0}, 0});
  run(5);
  EXPECT_TRUE(kept_.empty()) << "it goes on";
  player_.keep_episodes({});
  ASSERT_EQ(kept_.size(), 1u);
  EXPECT_EQ(kept_[0].length(), 5u);
  expect_whole(kept_[0]);
  EXPECT_EQ(kept_[0].actions[3], 0.5f) << "the hands' action";
  EXPECT_EQ(kept_[0].truncated.back(), 1) << "it was cut";
  run(3);
  EXPECT_EQ(kept_.size(), 1u) << "no more is kept";
}

TEST_F(EpisodeKeeperTest, AnotherStartBeginsAnotherEpisode) {
  keep();
  run(4);
  player_.control(Do::new_start);
  run(2);
  ASSERT_EQ(kept_.size(), 1u);
  EXPECT_EQ(kept_[0].length(), 4u);
  player_.control(Do::restart);
  ASSERT_EQ(kept_.size(), 2u);
  EXPECT_EQ(kept_[1].length(), 2u);
}

/// Who goes back lives the line anew; what was left is not kept.
TEST_F(EpisodeKeeperTest, GoingBackLeavesWhatCameAfterOut) {
  keep();
  player_.set_pilot(true);
  player_.drive({true, {1, 0, 0}, 0});
  run(3);
  player_.control(Do::back);
  player_.control(Do::back);
  player_.control(Do::play);
  player_.drive({true, {-1, 0, 0}, 0});
  run(2);
  player_.keep_episodes({});
  ASSERT_EQ(kept_.size(), 1u);
  EXPECT_EQ(kept_[0].length(), 3u);
  expect_whole(kept_[0]);
  EXPECT_EQ(kept_[0].actions[0], 1);
  EXPECT_EQ(kept_[0].actions[3], -1);
}

TEST_F(EpisodeKeeperTest, WithoutTheRealWorldNothingIsLived) {
  keep();
  player_.set_twin(false);
  run(3);
  player_.keep_episodes({});
  EXPECT_TRUE(kept_.empty());
}

TEST_F(EpisodeKeeperTest, AnotherSystemEndsIt) {
  keep();
  run(3);
  load(50);
  EXPECT_FALSE(player_.keeps_episodes());
  ASSERT_EQ(kept_.size(), 1u);
  EXPECT_EQ(kept_[0].length(), 3u);
}

TEST_F(EpisodeKeeperTest, AnEpisodesCutIsAsItWas) {
  keep();
  run(6);
  player_.keep_episodes({});
  ASSERT_EQ(kept_.size(), 1u);
  const auto whole = kept_[0];
  auto cut = whole;
  cut.cut(4);
  EXPECT_EQ(cut.length(), 4u);
  EXPECT_TRUE(std::equal(cut.frames.begin(), cut.frames.end(), whole.frames.begin()));
  EXPECT_EQ(cut.frames.size(), 5 * whole.frame_bytes());
  cut.cut(9);
  EXPECT_EQ(cut.length(), 4u);
}

}  // namespace dream::episode_keeper_test
