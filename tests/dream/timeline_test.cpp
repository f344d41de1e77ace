#include "core/dream/timeline.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "tests/support/toy.h"

namespace dream {
namespace timeline_test {

using Do = DreamControl::Do;

Instant instant(std::int64_t step, std::int64_t numbers = 100) {
  Instant made;
  made.step = step;
  made.drawn["x"] = torch::full({1, numbers}, static_cast<float>(step));
  made.dream = made.drawn;
  made.dream_reward = static_cast<double>(step * step);
  return made;
}

std::vector<std::int64_t> steps_of(const TimelineView& view) {
  std::vector<std::int64_t> steps;
  for (const auto& step : view.line) steps.push_back(step.step);
  return steps;
}

TEST(Timeline, IsATreeWhoseLinesAreTheOnesVisitedLast) {
  Timeline timeline;
  EXPECT_TRUE(timeline.view().line.empty());
  timeline.push(instant(0), true);
  for (int step = 1; step <= 4; ++step) timeline.push(instant(step), false);  // ids 1 … 5
  ASSERT_TRUE(timeline.go(3));
  EXPECT_EQ(timeline.now().step, 2);
  EXPECT_EQ(timeline.next(), 4);
  EXPECT_EQ(timeline.before(), 2);
  EXPECT_EQ(steps_of(timeline.view()), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(timeline.view().present, 2u);
  EXPECT_EQ(timeline.view().line[4].reward, 16 - 9) << "of the step, not the sum";
  EXPECT_TRUE(timeline.view().branches.empty());

  timeline.push(instant(3), false);  // id 6, beside 4
  timeline.push(instant(4), false), timeline.push(instant(5), false);
  const auto branched = timeline.view();
  EXPECT_EQ(steps_of(branched), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  ASSERT_EQ(branched.branches.size(), 1u);
  EXPECT_EQ(branched.branches[0].end, 5);
  EXPECT_EQ(branched.branches[0].from_step, 2);
  EXPECT_EQ(branched.branches[0].to_step, 4);

  ASSERT_TRUE(timeline.go(5));  // the other branch is the line now
  EXPECT_EQ(steps_of(timeline.view()), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(timeline.view().branches.at(0).end, 8);
  EXPECT_FALSE(timeline.go(99));
  EXPECT_EQ(timeline.present(), 5);

  timeline.push(instant(0), true);  // another dream: its branches are its own
  EXPECT_EQ(steps_of(timeline.view()), (std::vector<std::int64_t>{0}));
  EXPECT_TRUE(timeline.view().branches.empty());
  EXPECT_TRUE(timeline.go(8)) << "the earlier dream is kept";
}

TEST(Timeline, AHandChangesThePresentOrStandsBesideIt) {
  Timeline timeline;
  timeline.push(instant(0), true);
  timeline.push(instant(1), false);
  timeline.replace(instant(1));
  EXPECT_EQ(timeline.present(), 2) << "nothing follows it: it is the present that is changed";
  ASSERT_TRUE(timeline.go(1));
  timeline.push(instant(1), false);
  ASSERT_TRUE(timeline.go(1));
  EXPECT_EQ(timeline.view().branches.size(), 1u);
  ASSERT_TRUE(timeline.go(2));
  timeline.push(instant(2), false);
  ASSERT_TRUE(timeline.go(2));
  timeline.replace(instant(1));
  EXPECT_EQ(timeline.present(), 5);
  EXPECT_EQ(timeline.before(), 1);
  EXPECT_EQ(timeline.next(), Timeline::none);
}

TEST(Timeline, ForgetsTheOldestBeyondItsBudgetAndNeverThePresent) {
  constexpr std::size_t budget = 20'000;
  Timeline timeline(budget);
  timeline.push(instant(0), true);
  for (int step = 1; step < 200; ++step) {
    timeline.push(instant(step), false);
    ASSERT_LE(timeline.bytes(), budget);
  }
  const auto view = timeline.view();
  EXPECT_GT(view.line.size(), 5u);
  EXPECT_LT(view.line.size(), 50u);
  EXPECT_EQ(view.line.back().step, 199);
  EXPECT_EQ(view.line.front().step, 200 - static_cast<std::int64_t>(view.line.size()));
  EXPECT_FALSE(timeline.go(1));
  timeline.push(instant(200, 1'000'000), false);
  EXPECT_EQ(timeline.now().step, 200) << "larger than the budget: it is all that is left";
  EXPECT_EQ(timeline.view().line.size(), 1u);
  timeline.clear();
  EXPECT_EQ(timeline.bytes(), 0u);
}

TEST(Timeline, WhatIsSharedCountsOnce) {
  Timeline timeline;
  auto same = instant(0);
  timeline.push(same, true);
  const auto first = timeline.bytes();
  timeline.push(same, false);
  EXPECT_LE(timeline.bytes(), 2 * first - 400) << "the tensor of 400 bytes";
}

/// A player with chance in its dream, and how it looks now.
class Rewinding : public ::testing::TestWithParam<bool> {
 protected:
  Rewinding() {
    torch::set_num_threads(1);
    if (GetParam()) {
      player_.load(test::toy_system({.length = 600}, 0.1), "toy");
    } else {
      RunSpec spec;
      spec.recipe = "vmc", spec.environment = "CarRacing";
      player_.load(make_system(spec), "V-M-C, untrained");
    }
    player_.control(Do::pause);
    player_.watch({player_.view()->probe_names.front()});
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) player_.step(now_ += 0.02);
  }
  /// Every picture, the probe's numbers, the sums.
  std::vector<double> look() {
    const auto view = player_.view();
    std::vector<double> all{view->dream_reward, view->real_reward, static_cast<double>(view->step)};
    for (const auto& frame : view->frames) {
      if (!frame.image) continue;
      for (const auto byte : frame.image->pixels) all.push_back(byte);
    }
    for (const float x : view->action) all.push_back(static_cast<double>(x));
    return all;
  }
  Player player_;
  double now_ = now_seconds();
};

TEST_P(Rewinding, TheSameActionsGiveTheSameFramesBitForBit) {
  std::vector<std::vector<double>> first;
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 12; ++i) {
    first.push_back(look());
    ids.push_back(player_.view()->timeline.line.back().id);
    steps(1);
  }
  const auto lived = player_.view()->timeline.line.size();
  for (const std::size_t from : {3u, 0u, 7u}) {
    player_.go_to(ids[from]);
    EXPECT_FALSE(player_.view()->playing);
    for (std::size_t i = from; i < first.size(); ++i) {
      ASSERT_EQ(look(), first[i]) << "from " << from << " at " << i;
      steps(1);
    }
  }
  EXPECT_EQ(player_.view()->timeline.line.size(), lived) << "lived again, not a branch";
  EXPECT_TRUE(player_.view()->timeline.branches.empty());
}

TEST_P(Rewinding, StepsBackAndBranchesUnderOtherActions) {
  steps(6);
  const auto end = look();
  const auto id = player_.view()->timeline.line.back().id;
  for (int i = 0; i < 3; ++i) player_.control(Do::back);
  EXPECT_EQ(player_.view()->step, 3);
  std::vector<float> other = player_.view()->action;
  for (float& x : other) x = x > 0.5f ? 0.0f : 1.0f;
  player_.drive({true, other, 0});
  steps(4);
  player_.drive({});
  const auto view = player_.view();
  EXPECT_EQ(view->step, 7);
  ASSERT_EQ(view->timeline.branches.size(), 1u);
  EXPECT_EQ(view->timeline.branches[0].end, id);
  EXPECT_EQ(view->timeline.branches[0].from_step, 3);
  player_.go_to(id);
  EXPECT_EQ(look(), end) << "the first branch is as it was";
  for (int i = 0; i < 30; ++i) player_.control(Do::back);
  EXPECT_EQ(player_.view()->step, 0) << "there it ends";
  EXPECT_THROW(player_.go_to(12345), Error);
}

INSTANTIATE_TEST_SUITE_P(Systems, Rewinding, ::testing::Values(true, false),
                         [](const auto& each) { return each.param ? "Toy" : "CarRacing"; });

}  // namespace timeline_test
}  // namespace dream
