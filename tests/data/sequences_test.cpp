#include "core/data/sequences.h"

#include <gtest/gtest.h>

#include "core/nn/checkpoint.h"

namespace dream {
namespace sequences_test {

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
  const auto drawn = draw_begins(replay, 7000, rng);
  EXPECT_EQ(drawn, draw_begins(replay, 7000, same));
  const auto batch = sequences_at(replay, drawn, 2);
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

/// What is new comes first, in whole pieces, each frame once, and what is gone is left out.
TEST(Sequences, WhatIsNewIsTakenOnceAndInOrder) {
  Replay replay(episode_of(1, 3, true).bytes() * 4);
  std::int64_t seen = 0;
  using Begins = std::vector<std::int64_t>;
  EXPECT_EQ(new_begins(replay, 3, 4, seen), Begins());
  replay.add(episode_of(1, 3, true));  // frames 0 to 3
  EXPECT_EQ(new_begins(replay, 3, 4, seen), Begins({0}));
  EXPECT_EQ(new_begins(replay, 3, 4, seen), Begins()) << "one frame is left, which waits for more";
  for (int e = 2; e <= 4; ++e) replay.add(episode_of(e, 3, true));  // to 15
  EXPECT_EQ(new_begins(replay, 3, 2, seen), Begins({3, 6}));
  EXPECT_EQ(new_begins(replay, 3, 9, seen), Begins({9, 12}));
  for (int e = 5; e <= 10; ++e) replay.add(episode_of(e, 3, true));  // to 39, of which 24 and later are left
  EXPECT_EQ(replay.dropped(), 24);
  EXPECT_EQ(new_begins(replay, 3, 9, seen), Begins({0, 3, 6, 9, 12}));
  EXPECT_EQ(seen, 39);
}

/// danijar/dreamerv3's own replay; see tests/golden/make_dreamer_replay.py.
class GoldenReplay : public ::testing::Test {
 protected:
  /// Frame n shows n and is answered by the action 100 + n; beside it lies (1, n), of its actor.
  GoldenReplay() {
    for (const float frames : row(golden_("in/episodes"))) {
      Episode episode;
      episode.action_size = episode.vector_size = 1;
      for (int t = 0; t < static_cast<int>(frames); ++t) {
        const auto number = static_cast<float>(count_++);
        episode.vectors.push_back(number);
        const auto state = torch::tensor({1.0f, number}).to(torch::kBFloat16);
        const auto* bits = reinterpret_cast<const std::uint16_t*>(state.data_ptr());
        episode.states.insert(episode.states.end(), bits, bits + 2);
        if (t + 1 == static_cast<int>(frames)) break;
        episode.actions.push_back(100 + number);
        episode.rewards.push_back(0);
        episode.terminated.push_back(0);
        episode.truncated.push_back(t + 2 == static_cast<int>(frames));
      }
      episodes_.push_back(std::move(episode));
    }
  }
  /// (source, n) as the reference has it: 1000 source + n of h.
  static torch::Tensor plain(const torch::Tensor& states) {
    const auto numbers = states.to(torch::kFloat32);
    return 1000 * numbers.select(-1, 0) + numbers.select(-1, 1);
  }
  Checkpoint file_ = Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/dreamer/v3_24_replay.safetensors");
  torch::Tensor golden_(const std::string& name) const { return file_.tensors.at(name); }
  std::vector<Episode> episodes_;
  int count_ = 0;
};

TEST_F(GoldenReplay, APieceBeginsWithTheStateBeforeItAndLeavesItsOwn) {
  Replay replay(1 << 20, 2);
  for (auto& episode : episodes_) replay.add(std::move(episode));
  for (int turn = 0; turn < 4; ++turn) {
    const auto of = [&](const std::string& name) { return golden_("out/" + std::to_string(turn) + "/" + name); };
    std::vector<std::int64_t> begins;
    for (const float number : row(of("number").select(1, 0))) begins.push_back(static_cast<std::int64_t>(number));
    const auto batch = sequences_at(replay, begins, of("number").size(1));
    EXPECT_TRUE(torch::equal(batch.vector.squeeze(-1).t(), of("number")));
    EXPECT_TRUE(torch::equal(batch.first.t(), of("first")));
    EXPECT_TRUE(torch::equal(batch.last.t(), of("last")));
    EXPECT_TRUE(torch::equal(batch.action.squeeze(-1).t(), of("previous_action") * (1 - of("first"))));
    const auto before = states_before(replay, begins);
    EXPECT_TRUE(torch::equal(plain(before), of("deter").squeeze(-1)));
    EXPECT_TRUE(torch::equal(plain(before) + 1000, of("stoch").squeeze(-1)));
    auto learned = torch::stack({torch::full_like(batch.reward, 5), batch.vector.squeeze(-1)}, -1);
    keep_states(replay, begins, learned.to(torch::kBFloat16));
    EXPECT_TRUE(torch::equal(plain(states_at(replay, {0}, replay.frames())).squeeze(1), of("kept").select(1, 0)));
  }
}

/// The reference counts a step late and never queues a stream's very first frame; from the second on they agree. There
/// frames come one by one, here by the episode.
TEST_F(GoldenReplay, TheQueueIsTheReferences) {
  const auto counts = row(golden_("in/queue_count"));
  std::int64_t seen = 1;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    Replay replay(1 << 20);
    Episode one;
    one.action_size = 1;
    one.actions.resize(static_cast<std::size_t>(counts[i]) - 1);
    one.rewards = one.actions;
    one.terminated.resize(one.actions.size());
    one.truncated.resize(one.actions.size());
    replay.add(std::move(one));
    std::vector<float> begins;
    for (const auto begin : new_begins(replay, 5, 2, seen)) begins.push_back(static_cast<float>(begin));
    begins.resize(2, -1);
    EXPECT_EQ(begins, row(golden_("out/queue_begin")[static_cast<std::int64_t>(i)])) << counts[i];
  }
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

}  // namespace sequences_test
}  // namespace dream
