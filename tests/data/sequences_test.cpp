#include "core/data/sequences.h"

#include <gtest/gtest.h>

namespace dream {
namespace {

/// Everything in the episode says when it was: frame t of episode e is the byte 20 e + t, the t-th action 100 e + t +
/// 0.5, its reward e + t / 10.
Episode episode_of(int e, int steps, bool terminated) {
  Episode episode;
  episode.height = episode.width = 2;
  episode.channels = 1;
  episode.action_size = 1;
  episode.vector_size = 2;
  for (int t = 0; t <= steps; ++t) {
    episode.frames.insert(episode.frames.end(), 4, static_cast<std::uint8_t>(20 * e + t));
    episode.vectors.insert(episode.vectors.end(), {static_cast<float>(e), static_cast<float>(t)});
    if (t == steps) break;
    episode.actions.push_back(static_cast<float>(100 * e + t) + 0.5f);
    episode.rewards.push_back(static_cast<float>(e) + static_cast<float>(t) / 10);
    episode.terminated.push_back(terminated && t == steps - 1);
    episode.truncated.push_back(!terminated && t == steps - 1);
  }
  return episode;
}

Replay replay_of_two() {
  Replay replay(1 << 20);
  replay.add(episode_of(1, 3, true));
  replay.add(episode_of(2, 2, false));
  return replay;
}

std::vector<float> row(const torch::Tensor& x) {
  const auto plain = x.to(torch::kFloat32).contiguous().flatten();
  return {plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel()};
}

TEST(Sequences, AnEntryHoldsWhatWasSeenAndWhatLedThere) {
  const auto replay = replay_of_two();
  // Frames of episode 1: 20 21 22 23; of episode 2: 40 41 42; then again from the front.
  const auto batch = sequences_at(replay, {1}, 8);
  ASSERT_EQ(batch.steps(), 8);
  ASSERT_EQ(batch.lanes(), 1);
  EXPECT_EQ(row(batch.image.select(-1, 0).select(-1, 0).select(-1, 0)),
            (std::vector<float>{21, 22, 23, 40, 41, 42, 20, 21}));
  EXPECT_EQ(row(batch.vector), (std::vector<float>{1, 1, 1, 2, 1, 3, 2, 0, 2, 1, 2, 2, 1, 0, 1, 1}));
  EXPECT_EQ(row(batch.first), (std::vector<float>{0, 0, 0, 1, 0, 0, 1, 0}));
  EXPECT_EQ(row(batch.last), (std::vector<float>{0, 0, 1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(row(batch.terminated), (std::vector<float>{0, 0, 1, 0, 0, 0, 0, 0}));  // the second was cut off
  EXPECT_EQ(row(batch.action), (std::vector<float>{100.5f, 101.5f, 102.5f, 0, 200.5f, 201.5f, 0, 100.5f}));
  EXPECT_EQ(row(batch.reward), (std::vector<float>{1, 1.1f, 1.2f, 0, 2, 2.1f, 0, 1}));
}

TEST(Sequences, EveryFrameIsDrawnEquallyOftenAndByTheSeedAlone) {
  const auto replay = replay_of_two();
  Rng rng(3), same(3);
  const auto batch = draw_sequences(replay, 2, 7000, rng);
  EXPECT_TRUE(torch::equal(batch.image, draw_sequences(replay, 2, 7000, same).image));
  const auto begins = batch.image[0].flatten(1).select(1, 0).to(torch::kInt64).bincount({}, 43);
  for (const int frame : {20, 21, 22, 23, 40, 41, 42}) EXPECT_NEAR(begins[frame].item<double>(), 1000, 4 * 30) << frame;
  EXPECT_EQ(begins.sum().item<std::int64_t>(), 7000);
  const auto step = batch.image[1].to(torch::kInt64) - batch.image[0].to(torch::kInt64);
  EXPECT_TRUE(((step == 1) | (step == 17) | (step == -22)).all().item<bool>());  // on, or over to the next episode
}

TEST(Sequences, APieceStaysWithinItsEpisodeWhereThatIsLongEnough) {
  const auto replay = replay_of_two();  // 4 frames, then 3
  EXPECT_EQ(whole_piece(replay, 1, 2), 1);
  EXPECT_EQ(whole_piece(replay, 3, 2), 2) << "moved back from the last frame";
  EXPECT_EQ(whole_piece(replay, 3, 9), 0) << "too short: from its first frame";
  EXPECT_EQ(whole_piece(replay, 6, 3), 4);
  const auto batch = sequences_at(replay, {whole_piece(replay, 3, 4), whole_piece(replay, 6, 3)}, 3);
  EXPECT_EQ(row(batch.first), (std::vector<float>{1, 1, 0, 0, 0, 0}));
}

TEST(Sequences, PartsThatEpisodesLackStayAway) {
  Replay replay(1 << 20);
  auto episode = episode_of(1, 4, true);
  episode.frames.clear();
  episode.height = episode.width = episode.channels = 0;
  replay.add(std::move(episode));
  const auto batch = sequences_at(replay, {0}, 3);
  EXPECT_FALSE(batch.image.defined());
  EXPECT_EQ(row(batch.vector), (std::vector<float>{1, 0, 1, 1, 1, 2}));
}

}  // namespace
}  // namespace dream
