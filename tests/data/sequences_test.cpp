#include "core/data/sequences.h"

#include <gtest/gtest.h>

#include "api/error.h"
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

/// The newest frame of an episode under way ends the piece's rewards, and no episode.
TEST(Sequences, AnEpisodeUnderWayIsCutWhereItStands) {
  Replay replay(1 << 20);
  auto piece = episode_of(1, 3, false);
  piece.truncated.back() = 0;
  piece.lane = 0;
  replay.extend(piece);
  const auto batch = sequences_at(replay, {1}, 6);
  EXPECT_EQ(row(batch.vector.select(-1, 1)), (std::vector<float>{1, 2, 3, 0, 1, 2}));
  EXPECT_EQ(row(batch.last), (std::vector<float>{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(row(batch.first), (std::vector<float>{0, 0, 0, 1, 0, 0}));
  EXPECT_EQ(row(batch.terminated), (std::vector<float>(6, 0)));
}

/// What is new comes first, in whole pieces, each frame once, and what is gone is left out.
TEST(Sequences, WhatIsNewIsTakenOnceAndInOrder) {
  Replay replay(episode_of(1, 3, true).bytes() * 4);
  using Begins = std::vector<std::int64_t>;
  const auto live = [&](int e) {
    auto episode = episode_of(e, 3, true);
    episode.lane = 0;
    replay.extend(episode);
  };
  EXPECT_EQ(new_begins(replay, 3, 4), Begins());
  live(1);  // frames 0 to 3
  EXPECT_EQ(new_begins(replay, 3, 4), Begins({0}));
  EXPECT_EQ(new_begins(replay, 3, 4), Begins()) << "one frame is left, which waits for more";
  for (int e = 2; e <= 4; ++e) live(e);  // to 15
  EXPECT_EQ(new_begins(replay, 3, 2), Begins({3, 6}));
  EXPECT_EQ(new_begins(replay, 3, 9), Begins({9, 12}));
  for (int e = 5; e <= 10; ++e) live(e);  // to 39, of which 24 and later are left
  EXPECT_EQ(replay.dropped(), 24);
  EXPECT_EQ(new_begins(replay, 3, 9), Begins({0, 3, 6, 9, 12}));
  EXPECT_EQ(replay.fresh(0), 1);
}

/// Of several lanes the one that waits longest; a piece stays in its lane's stream.
TEST(Sequences, EveryLaneHasAQueueOfItsOwn) {
  Replay replay(1 << 20);
  const auto live = [&](int lane, int e, bool ends) {
    auto piece = episode_of(e, 2, true);
    piece.lane = lane;
    if (!ends) piece.terminated.back() = 0;
    replay.extend(piece);
  };
  live(0, 1, true);   // frames 0 to 2
  live(1, 2, true);   // 3 to 5
  live(1, 3, false);  // 6 to 8
  live(2, 4, false);  // 9 to 11
  const auto begins = new_begins(replay, 4, 2);
  EXPECT_EQ(begins, std::vector<std::int64_t>({3}));
  const auto batch = sequences_at(replay, begins, 4);
  EXPECT_EQ(row(batch.vector.select(-1, 0)), (std::vector<float>{2, 2, 2, 3}));
  EXPECT_EQ(replay.fresh(1), 2);
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
    EXPECT_TRUE(torch::equal(plain(states_between(replay, 0, replay.frames())), of("kept").select(1, 0)));
  }
}

/// Step by step as there. The reference counts a step late and never queues a stream's very first frame; from the second
/// on they agree.
TEST_F(GoldenReplay, TheQueueIsTheReferences) {
  const auto counts = row(golden_("in/queue_count"));
  Replay replay(1 << 20);
  std::size_t asked = 0;
  float count = 0;
  for (const auto& whole : episodes_) {
    for (std::size_t t = 0; t <= whole.length(); ++t) {
      // A step brings the frame after it, so an episode's first frame comes together with its second.
      if (t > 0) {
        Episode piece;
        piece.lane = 0;
        piece.action_size = 1;
        piece.actions = piece.rewards = {0};
        piece.terminated = {0};
        piece.truncated = {whole.truncated[t - 1]};
        replay.extend(piece);
        if (count == 1) replay.set_fresh(0, 1);
      }
      ++count;
      if (asked == counts.size() || count != counts[asked]) continue;
      std::vector<float> begins;
      for (const auto begin : new_begins(replay, 5, 2)) begins.push_back(static_cast<float>(begin));
      begins.resize(2, -1);
      EXPECT_EQ(begins, row(golden_("out/queue_begin")[static_cast<std::int64_t>(asked)])) << count;
      ++asked;
    }
  }
  EXPECT_EQ(asked, counts.size());
}

/// One beside an action comes with what that action led to, one beside a frame with the frame.
TEST(Sequences, ColumnsComeByTheirNames) {
  Replay replay(1 << 20);
  auto one = episode_of(1, 3, true);
  one.extra["cost"] = {1, false, {10, 11, 12}};
  one.extra["value"] = {2, true, {0, 1, 2, 3, 4, 5, 6, 7}};
  replay.add(one);
  replay.add(episode_of(2, 2, true));
  const auto batch = sequences_at(replay, {0}, 7);
  ASSERT_EQ(batch.extra.size(), 2u);
  EXPECT_EQ(row(batch.extra.at("cost")), (std::vector<float>{0, 10, 11, 12, 0, 0, 0}));
  EXPECT_EQ(batch.extra.at("value").sizes(), (std::vector<std::int64_t>{7, 1, 2}));
  EXPECT_EQ(row(batch.extra.at("value")), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(batch.to(torch::kCPU).extra.size(), 2u);
  auto other = episode_of(3, 2, true);
  other.extra["cost"] = {2, false, {0, 0, 0, 0}};
  replay.add(other);
  EXPECT_THROW(sequences_at(replay, {7}, 5), Error) << "from the third over to the first";
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
