// Driving becomes data: from the window's command to a dataset that opens.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "core/data/dataset.h"
#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"

namespace dream::keeping_test {

class KeepingTest : public ::testing::Test {
 protected:
  KeepingTest() {
    torch::set_num_threads(1);
    Trainer(test::tiny_system(folder_ / "runs" / "a", {}), {}, false).close();
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_ / "runs";
    options.open = folder_ / "runs" / "a";
    live_ = std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 20000; ++i) {
      if (wanted(*live_->latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return ::testing::AssertionFailure() << "fault '" << live_->latest()->fault << "'";
  }
  test::TempFolder folder_;
  std::unique_ptr<LiveEngine> live_;
};

TEST_F(KeepingTest, WhatIsDrivenBecomesADataset) {
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready && s.dream->step > 2; }));
  live_->send(KeepEpisodes{true});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.keeping->on; }));
  const std::filesystem::path folder = live_->latest()->keeping->folder;
  EXPECT_EQ(folder.parent_path(), folder_ / "data");
  const auto step = live_->latest()->dream->step;
  ASSERT_TRUE(comes([&](const Snapshot& s) { return s.dream->step > step + 3; }));
  live_->send(DreamControl{DreamControl::Do::new_start});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.keeping->episodes == 1; }));
  const auto again = live_->latest()->dream->step;
  ASSERT_TRUE(comes([&](const Snapshot& s) { return s.dream->step > again + 3; }));
  // The program's end writes what is under way.
  EXPECT_EQ(live_->close(), "");
  const Dataset dataset(folder);
  EXPECT_EQ(dataset.episodes(), 2u);
  EXPECT_EQ(dataset.info().policy, "by hand");
  EXPECT_GE(dataset.read(1).length(), 3u);
}

TEST_F(KeepingTest, ADatasetOfOtherShapesIsAFaultAndKeepingEnds) {
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready; }));
  const auto folder = folder_ / "data" / (live_->latest()->dream->environment + "-by-hand");
  DatasetInfo other;
  other.environment = "Another", other.policy = "x";
  other.spaces.vector_names = {"x"};
  other.spaces.action.choices = {"a", "b"};
  other.spaces.action.idle = {0};
  { const DatasetWriter made(folder, other); }
  live_->send(KeepEpisodes{true});
  EXPECT_TRUE(comes([](const Snapshot& s) { return !s.fault.empty(); }));
  EXPECT_TRUE(comes([](const Snapshot& s) { return !s.keeping->on; }));
}

}  // namespace dream::keeping_test
