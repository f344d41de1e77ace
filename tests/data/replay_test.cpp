#include "core/data/replay.h"

#include <gtest/gtest.h>

#include <utility>

#include "api/error.h"

namespace dream {
namespace replay_test {

Episode episode_of(std::size_t steps, std::uint64_t seed) {
  Episode episode;
  episode.seed = seed;
  episode.height = episode.width = 2;
  episode.channels = 1;
  episode.action_size = 1;
  episode.frames.assign((steps + 1) * 4, static_cast<std::uint8_t>(seed));
  episode.actions.assign(steps, 0.0f);
  episode.rewards.assign(steps, 0.0f);
  episode.terminated.assign(steps, 0);
  episode.truncated.assign(steps, 0);
  return episode;
}

TEST(Replay, CountsAndFindsFrames) {
  Replay replay(100000);
  EXPECT_EQ(replay.frames(), 0);
  EXPECT_THROW(replay.place(0), Error);
  replay.add(episode_of(3, 1));
  replay.add(episode_of(1, 2));
  replay.add(episode_of(5, 3));
  EXPECT_EQ(replay.steps(), 9);
  EXPECT_EQ(replay.frames(), 12);
  EXPECT_EQ(replay.episodes(), 3u);
  // Every frame in order of age: (0,0) … (0,3), (1,0), (1,1), (2,0) … (2,5).
  std::int64_t index = 0;
  for (std::size_t e = 0; e < 3; ++e) {
    for (std::size_t t = 0; t <= replay.episode(e).length(); ++t, ++index) {
      EXPECT_EQ(replay.place(index).episode, e) << index;
      EXPECT_EQ(replay.place(index).time, t) << index;
    }
  }
  EXPECT_EQ(index, 12);
  EXPECT_THROW(replay.place(12), Error);
  EXPECT_THROW(replay.place(-1), Error);
}

TEST(Replay, TheOldestGoWhenTheBudgetIsSpent) {
  const std::size_t size = episode_of(4, 0).bytes();
  Replay replay(3 * size);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    replay.add(episode_of(4, seed));
    EXPECT_LE(replay.bytes(), replay.budget());
  }
  ASSERT_EQ(replay.episodes(), 3u);
  EXPECT_EQ(replay.bytes(), 3 * size);
  EXPECT_EQ(replay.episode(0).seed, 7u);
  EXPECT_EQ(replay.steps(), 12);
  EXPECT_EQ(replay.frames(), 15);
  EXPECT_EQ(replay.place(0).episode, 0u);
  EXPECT_EQ(replay.place(0).time, 0u);
  EXPECT_EQ(replay.place(5).episode, 1u);
  EXPECT_EQ(replay.place(14).episode, 2u);
  EXPECT_EQ(replay.place(14).time, 4u);
}

/// Numbers beside every frame take memory from the start, known or not, and go with their episode.
TEST(Replay, StatesAreKeptBesideTheFrames) {
  const auto size = episode_of(4, 0).bytes() + 5 * 3 * 2;
  Replay replay(2 * size, 3);
  auto known = episode_of(4, 1);
  known.states = {1, 2, 3, 4, 5, 6};  // of its first two frames
  EXPECT_EQ(replay.bytes_of(known), size);
  replay.add(std::move(known));
  replay.add(episode_of(4, 2));
  EXPECT_EQ(replay.bytes(), 2 * size);
  const auto at = [&](std::int64_t frame) {
    const auto state = std::as_const(replay).state(replay.place(frame));
    return std::vector<int>(state.begin(), state.end());
  };
  EXPECT_EQ(at(1), std::vector<int>({4, 5, 6}));
  EXPECT_EQ(at(2), std::vector<int>({0, 0, 0}));
  replay.state(replay.place(7))[1] = 9;
  EXPECT_EQ(at(7), std::vector<int>({0, 9, 0}));
  replay.add(episode_of(4, 3));  // the first goes
  EXPECT_EQ(at(2), std::vector<int>({0, 9, 0}));
  EXPECT_EQ(replay.dropped(), 5);
}

TEST(Replay, AfterAFrameComesTheNext) {
  Replay replay(100000);
  replay.add(episode_of(2, 1));
  replay.add(episode_of(1, 2));
  auto place = replay.place(0);
  for (const std::int64_t frame : {1, 2, 3, 4, 0, 1}) {
    place = replay.after(place);
    EXPECT_EQ(place.episode, replay.place(frame).episode);
    EXPECT_EQ(place.time, replay.place(frame).time);
  }
}

TEST(Replay, OneLargeEpisodeMayDriveOutSeveral) {
  Replay replay(2 * episode_of(10, 0).bytes());
  for (int i = 0; i < 4; ++i) replay.add(episode_of(4, 1));
  replay.add(episode_of(20, 9));
  EXPECT_EQ(replay.episodes(), 1u);
  EXPECT_EQ(replay.steps(), 20);
  EXPECT_EQ(replay.frames(), 21);
  EXPECT_EQ(replay.place(20).time, 20u);
}

TEST(Replay, AnEpisodeLargerThanTheBudgetIsAnErrorAndChangesNothing) {
  Replay replay(episode_of(4, 0).bytes());
  replay.add(episode_of(4, 5));
  EXPECT_THROW(replay.add(episode_of(5, 6)), Error);
  ASSERT_EQ(replay.episodes(), 1u);
  EXPECT_EQ(replay.episode(0).seed, 5u);
}

TEST(Replay, ClearForgetsEverything) {
  Replay replay(100000);
  replay.add(episode_of(3, 1));
  replay.clear();
  EXPECT_EQ(replay.bytes(), 0u);
  EXPECT_EQ(replay.steps(), 0);
  EXPECT_EQ(replay.frames(), 0);
  replay.add(episode_of(2, 4));
  EXPECT_EQ(replay.place(2).time, 2u);
}

}  // namespace replay_test
}  // namespace dream
