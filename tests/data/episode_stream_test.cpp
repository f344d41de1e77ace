#include "core/data/episode_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/error.h"
#include "tests/data/dataset_fixture.h"

namespace dream {
namespace episode_stream_test {

constexpr std::size_t all = 12, steps = 9, fit = 4;
constexpr std::int64_t bad = 7;

class EpisodeStreamTest : public ::testing::Test {
 protected:
  EpisodeStreamTest() {
    const auto info = test::info_of(4, 4, 3, 2);
    DatasetWriter writer(folder_ / "data", info);
    for (std::size_t i = 0; i < all; ++i) writer.append(test::episode_of(info, steps, i));
    budget_ = fit * test::episode_of(info, steps, 0).bytes();
  }

  /// `damaged`: episode `bad` cannot be read.
  std::unique_ptr<DatasetSources> sources(bool damaged = false) const {
    const auto fitting = [damaged](const DatasetInfo&) {
      Fit fit;
      fit.apply = [damaged](Episode& episode) {
        if (damaged && episode.seed == bad) throw Error("episode_7 is torn");
      };
      return fit;
    };
    return std::make_unique<DatasetSources>(std::vector{folder_ / "data"}, fitting, damaged ? Damage::skip : Damage::refuse);
  }

  static std::vector<std::uint64_t> in(const Replay& replay) {
    std::vector<std::uint64_t> seeds;
    for (std::size_t i = 0; i < replay.episodes(); ++i) seeds.push_back(replay.episode(i).seed);
    return seeds;
  }
  static void fill(EpisodeStream& stream, Replay& replay) {
    while (stream.fill(replay)) {
    }
  }
  /// Learning from these exchanges one episode.
  static constexpr double worth_one = EpisodeStream::draws_per_frame * (steps + 1);

  test::TempFolder folder_;
  std::size_t budget_;
};

TEST_F(EpisodeStreamTest, EveryPassHoldsEveryEpisodeOnceInAnOrderOfItsOwn) {
  EpisodeStream stream(sources(), Rng(5));
  Replay replay(budget_);
  fill(stream, replay);
  ASSERT_EQ(replay.episodes(), fit);
  auto came = in(replay);
  stream.learned(replay, worth_one - 1);
  EXPECT_EQ(in(replay), came) << "nothing is due yet";
  stream.learned(replay, 1);
  while (came.size() < 3 * all) {
    ASSERT_EQ(replay.episodes(), fit);
    came.push_back(in(replay).back());
    stream.learned(replay, worth_one);
  }
  std::set<std::vector<std::uint64_t>> orders;
  for (std::size_t pass = 0; pass < 3; ++pass) {
    std::vector<std::uint64_t> order(came.begin() + static_cast<std::ptrdiff_t>(pass * all), came.begin() + static_cast<std::ptrdiff_t>((pass + 1) * all));
    orders.insert(order);
    std::ranges::sort(order);
    for (std::size_t i = 0; i < all; ++i) EXPECT_EQ(order[i], i);
  }
  EXPECT_EQ(orders.size(), 3u);
  // Much at once exchanges as much.
  const auto before = stream.place().next;
  stream.learned(replay, 5 * worth_one);
  EXPECT_EQ(stream.place().next - before, 5);
}

TEST_F(EpisodeStreamTest, GoesOnFromItsPlace) {
  EpisodeStream whole(sources(), Rng(5));
  Replay there(budget_);
  fill(whole, there);
  for (int i = 0; i < 17; ++i) whole.learned(there, 0.7 * worth_one);
  EpisodeStream again(sources(), Rng(5), whole.place());
  Replay here(budget_);
  fill(again, here);
  EXPECT_EQ(in(here), in(there));
  for (int i = 0; i < 9; ++i) {
    whole.learned(there, 0.7 * worth_one), again.learned(here, 0.7 * worth_one);
    EXPECT_EQ(in(here), in(there)) << i;
  }
  EpisodeStream other(sources(), Rng(6));
  Replay elsewhere(budget_);
  fill(other, elsewhere);
  EpisodeStream first(sources(), Rng(5));
  Replay begun(budget_);
  fill(first, begun);
  EXPECT_NE(in(elsewhere), in(begun)) << "the order is the seed's";
  // With more memory than there was, it fills again while one learns.
  EpisodeStream roomy(sources(), Rng(5), whole.place());
  Replay larger(budget_ * 2);
  fill(roomy, larger);
  EXPECT_EQ(larger.episodes(), fit);
  for (int i = 0; i < 20; ++i) roomy.learned(larger, worth_one);
  EXPECT_EQ(larger.episodes(), 2 * fit);
}

TEST_F(EpisodeStreamTest, WhatIsDamagedIsLeftOutAndTold) {
  EpisodeStream stream(sources(true), Rng(5));
  Replay replay(budget_);
  fill(stream, replay);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 30; ++i) {
    for (const auto seed : in(replay)) seen.insert(seed);
    stream.learned(replay, worth_one);
  }
  EXPECT_EQ(seen.size(), all - 1);
  EXPECT_FALSE(seen.contains(bad));
  ASSERT_EQ(stream.notes().size(), 2u) << "once, and that they come and go";
  EXPECT_NE(stream.notes()[0].find("episode_7 is torn"), std::string::npos);
}

TEST_F(EpisodeStreamTest, WhereNothingIsStreamedTheRestIsTold) {
  for (const std::size_t times : {1, 4}) {
    Replay replay(budget_ * times);
    const auto all_of_them = sources();
    while (all_of_them->read_into(replay)) {
    }
    const auto said = all_of_them->left_out(replay, "train.budget_gb");
    const std::string expected = "of 12 given episodes 4 fit into memory, and the others are not learned from: train.budget_gb says how much it may take";
    EXPECT_EQ(said, times == 1 ? std::vector{expected} : std::vector<std::string>{});
  }
}

TEST_F(EpisodeStreamTest, AnEpisodeThatNeverFitsIsNamed) {
  EpisodeStream stream(sources(), Rng(5));
  Replay replay(budget_ / (2 * fit));
  EXPECT_THROW(fill(stream, replay), Error);
}

TEST_F(EpisodeStreamTest, TheBestAreThoseOfTheHighestReturnsInTheirWorlds) {
  const std::vector<Scored> scores = {{"A", 1, 0}, {"A", 3, 1}, {"B", -5, 2}, {"A", 2, 3}, {"A", 0, 4}};
  EXPECT_EQ(best_of(scores, 0.5), (std::vector<std::size_t>{1, 3, 2}));
  auto some = sources();
  some->keep({3, 8});
  EXPECT_EQ(some->episodes(), 2u);
  EXPECT_EQ(some->read(1)->seed, 8u);
}

}  // namespace episode_stream_test
}  // namespace dream
