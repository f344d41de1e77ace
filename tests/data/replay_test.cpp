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
  EXPECT_THROW(replay.position(0), Error);
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
      EXPECT_EQ(replay.position(index).episode, e) << index;
      EXPECT_EQ(replay.position(index).time, t) << index;
    }
  }
  EXPECT_EQ(index, 12);
  EXPECT_THROW(replay.position(12), Error);
  EXPECT_THROW(replay.position(-1), Error);
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
  EXPECT_EQ(replay.position(0).episode, 0u);
  EXPECT_EQ(replay.position(0).time, 0u);
  EXPECT_EQ(replay.position(5).episode, 1u);
  EXPECT_EQ(replay.position(14).episode, 2u);
  EXPECT_EQ(replay.position(14).time, 4u);
}

/// Piece by piece, as lanes live through it: the first frame and `steps` steps, or more of them.
Episode piece_of(int lane, std::size_t steps, bool begins, bool ends, std::uint8_t byte) {
  auto piece = episode_of(steps, byte);
  if (!begins) piece.frames.resize(steps * 4);
  piece.lane = lane;
  if (ends) piece.truncated.back() = 1;
  return piece;
}

/// What goes on is there from its first step, after all that is whole; it becomes whole where it ends.
TEST(Replay, EpisodesUnderWayGrow) {
  Replay replay(100000);
  replay.extend(piece_of(1, 2, true, false, 1));
  EXPECT_EQ(replay.frames(), 3);
  EXPECT_EQ(replay.steps(), 2);
  EXPECT_EQ(replay.episodes(), 0u);
  EXPECT_EQ(replay.whole_frames(), 0);
  replay.extend(piece_of(0, 1, true, false, 2));
  replay.extend(piece_of(1, 1, false, false, 3));
  EXPECT_EQ(replay.frames(), 2 + 4);
  const auto byte = [&](std::int64_t frame) {
    const auto place = replay.position(frame);
    return static_cast<int>(replay.episode(place.episode).frames[place.time * 4]);
  };
  const auto bytes = [&] {
    std::vector<int> all;
    for (std::int64_t frame = 0; frame < replay.frames(); ++frame) {
      EXPECT_EQ(replay.index(replay.position(frame)), frame);
      all.push_back(byte(frame));
    }
    return all;
  };
  EXPECT_EQ(bytes(), (std::vector<int>{2, 2, 1, 1, 1, 3})) << "by their lanes";
  replay.extend(piece_of(1, 1, false, true, 4));
  EXPECT_EQ(replay.episodes(), 1u);
  EXPECT_EQ(bytes(), (std::vector<int>{1, 1, 1, 3, 4, 2, 2})) << "whole ones first";
  replay.extend(piece_of(1, 1, true, false, 5));
  EXPECT_EQ(bytes(), (std::vector<int>{1, 1, 1, 3, 4, 2, 2, 5, 5}));
  EXPECT_THROW(replay.position(9), Error);
  EXPECT_EQ(replay.steps(), 6);
}

/// After an episode comes the next of its lane, whichever ended in between.
TEST(Replay, AStreamIsWhatOneLaneLivesThrough) {
  Replay replay(100000);
  for (int round = 0; round < 2; ++round) {
    for (const int lane : {0, 1}) replay.extend(piece_of(lane, 1, true, true, static_cast<std::uint8_t>(10 * lane)));
  }
  replay.extend(piece_of(0, 2, true, false, 5));
  std::vector<std::size_t> seen;
  auto place = replay.position(0);
  for (int i = 0; i < 8; ++i, place = replay.after(place)) seen.push_back(place.episode);
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 0, 2, 2, 4, 4, 4, 0})) << "and the oldest after the newest";
  place = replay.position(2);
  seen.clear();
  for (int i = 0; i < 5; ++i, place = replay.after(place)) seen.push_back(place.episode);
  EXPECT_EQ(seen, (std::vector<std::size_t>{1, 1, 3, 3, 0})) << "lane 1 has nothing under way";
}

TEST(Replay, WhatGrowsDrivesOutTheOldestAndIsNeverDrivenOutItself) {
  const auto size = episode_of(4, 0).bytes();
  Replay replay(3 * size);
  for (int lane : {0, 1, 0}) replay.extend(piece_of(lane, 4, true, true, static_cast<std::uint8_t>(lane)));
  replay.extend(piece_of(0, 1, true, false, 9));
  EXPECT_EQ(replay.episodes(), 2u);
  EXPECT_EQ(replay.dropped(), 5);
  for (int i = 0; i < 3; ++i) replay.extend(piece_of(0, 1, false, false, 9));
  EXPECT_EQ(replay.bytes(), 3 * size);
  for (int i = 0; i < 8; ++i) replay.extend(piece_of(0, 1, false, false, 9));
  EXPECT_EQ(replay.episodes(), 0u);
  EXPECT_EQ(replay.frames(), 13);
  EXPECT_LE(replay.bytes(), replay.budget());
  EXPECT_THROW(
      for (int i = 0; i < 9; ++i) replay.extend(piece_of(0, 1, false, false, 9)), Error);
  EXPECT_EQ(replay.bytes(), replay.episode(0).bytes());
}

TEST(Replay, FreshFramesAreTheNewestOfTheirStream) {
  Replay replay(100000);
  replay.extend(piece_of(0, 3, true, true, 1));
  replay.extend(piece_of(0, 1, true, false, 2));
  EXPECT_EQ(replay.fresh(0), 6);
  EXPECT_EQ(replay.index(replay.first_fresh(0)), 0);
  replay.set_fresh(0, 3);
  EXPECT_EQ(replay.index(replay.first_fresh(0)), 3);
  replay.set_fresh(0, 2);
  EXPECT_EQ(replay.index(replay.first_fresh(0)), 4);
  replay.set_fresh(0, 99);
  EXPECT_EQ(replay.fresh(0), 6) << "no more than there are";
  replay.add(episode_of(5, 3));
  EXPECT_EQ(replay.fresh(0), 6) << "whole episodes of no lane are waited for by nobody";
}

/// A frame's state comes with the step after it.
TEST(Replay, StatesFollowTheirFrames) {
  Replay replay(100000, 2);
  auto piece = piece_of(0, 1, true, false, 1);
  piece.states = {1, 2};
  replay.extend(piece);
  const auto at = [&](std::int64_t frame) {
    const auto state = std::as_const(replay).state(replay.position(frame));
    return std::vector<int>(state.begin(), state.end());
  };
  EXPECT_EQ(at(0), (std::vector<int>{1, 2}));
  EXPECT_EQ(at(1), (std::vector<int>{0, 0}));
  piece = piece_of(0, 1, false, true, 1);
  piece.states = {3, 4};
  replay.extend(piece);
  EXPECT_EQ(at(0), (std::vector<int>{1, 2}));
  EXPECT_EQ(at(1), (std::vector<int>{3, 4}));
  EXPECT_EQ(at(2), (std::vector<int>{0, 0}));
  EXPECT_EQ(replay.bytes(), replay.episode(0).bytes());
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
    const auto state = std::as_const(replay).state(replay.position(frame));
    return std::vector<int>(state.begin(), state.end());
  };
  EXPECT_EQ(at(1), std::vector<int>({4, 5, 6}));
  EXPECT_EQ(at(2), std::vector<int>({0, 0, 0}));
  replay.state(replay.position(7))[1] = 9;
  EXPECT_EQ(at(7), std::vector<int>({0, 9, 0}));
  replay.add(episode_of(4, 3));  // the first goes
  EXPECT_EQ(at(2), std::vector<int>({0, 9, 0}));
  EXPECT_EQ(replay.dropped(), 5);
}

TEST(Replay, AfterAFrameComesTheNext) {
  Replay replay(100000);
  replay.add(episode_of(2, 1));
  replay.add(episode_of(1, 2));
  auto place = replay.position(0);
  for (const std::int64_t frame : {1, 2, 3, 4, 0, 1}) {
    place = replay.after(place);
    EXPECT_EQ(place.episode, replay.position(frame).episode);
    EXPECT_EQ(place.time, replay.position(frame).time);
  }
}

TEST(Replay, OneLargeEpisodeMayDriveOutSeveral) {
  Replay replay(2 * episode_of(10, 0).bytes());
  for (int i = 0; i < 4; ++i) replay.add(episode_of(4, 1));
  replay.add(episode_of(20, 9));
  EXPECT_EQ(replay.episodes(), 1u);
  EXPECT_EQ(replay.steps(), 20);
  EXPECT_EQ(replay.frames(), 21);
  EXPECT_EQ(replay.position(20).time, 20u);
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
  EXPECT_EQ(replay.position(2).time, 2u);
}

}  // namespace replay_test
}  // namespace dream
