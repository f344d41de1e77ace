#include "core/engine/train_ratio.h"

#include <gtest/gtest.h>

namespace dream {
namespace train_ratio_test {

/// Updates of 10 frames after `steps` steps, if each is made when it is due.
std::int64_t updates_after(TrainRatio& ratio, std::int64_t updates, double steps) {
  while (ratio.due(updates, steps, 10)) ++updates;
  return updates;
}

TEST(TrainRatio, OneUpdateAtOnceThenAsTheRatioSays) {
  TrainRatio ratio;
  EXPECT_FALSE(ratio.due(0, 100, 10)) << "none is set";
  ratio.set(2, 0, 0, 10);
  EXPECT_EQ(updates_after(ratio, 0, 0), 1);
  EXPECT_EQ(updates_after(ratio, 1, 4), 1);
  EXPECT_EQ(updates_after(ratio, 1, 5), 2);
  EXPECT_EQ(updates_after(ratio, 2, 50), 11);
  EXPECT_EQ(ratio.updates_for(50, 10), 10);
}

TEST(TrainRatio, AChangeCountsFromWhereItIsMade) {
  TrainRatio ratio;
  ratio.set(2, 0, 0, 10);
  ratio.set(20, 10, 50, 10);
  EXPECT_EQ(updates_after(ratio, 10, 51), 13) << "not 20 for each of the 50 steps before";
  TrainRatio early;
  early.set(2, 0, -600, 10);  // while the replay is filled
  early.set(20, 0, -100, 10);
  EXPECT_EQ(updates_after(early, 0, 0), 1) << "the filling is owed nothing";
}

/// Given steps are there from the first: a change must not write off those that no update has come to.
TEST(TrainRatio, AChangeAmidGivenStepsCountsFromWhereTheUpdatesAre) {
  TrainRatio ratio;
  ratio.set(2, 0, 0, 10);
  ratio.set(4, 100, 1000, 10);  // 100 updates stand for 500 of the 1000 steps
  EXPECT_EQ(ratio.updates_for(1000, 10), 300);
  EXPECT_EQ(updates_after(ratio, 100, 1000), 301);
}

TEST(TrainRatio, NothingIsOwedForStepsAtZero) {
  TrainRatio ratio;
  ratio.set(10, 0, 0, 10);
  const auto updates = updates_after(ratio, 0, 20);
  ratio.set(0, updates, 20, 10);
  EXPECT_EQ(updates_after(ratio, updates, 1000), updates);
  ratio.set(10, updates, 1000, 10);
  EXPECT_LE(updates_after(ratio, updates, 1001), updates + 2);
}

}  // namespace train_ratio_test
}  // namespace dream
