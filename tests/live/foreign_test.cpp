// Files of PyTorch's in the window's engine: asked for, opened, listed.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "core/engine/run_file.h"
#include "core/live/live_engine.h"
#include "tests/support/trusting.h"

namespace dream::foreign_test {

class ForeignTest : public ::testing::Test {
 protected:
  ForeignTest() {
    torch::set_num_threads(1);
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_ / "runs";
    options.open = test::script_golden("good.pt");
    live_ = std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 6000; ++i) {
      if (wanted(*live_->latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return ::testing::AssertionFailure() << "fault '" << live_->latest()->fault << "'";
  }
  test::Trusting user_;
  test::TempFolder folder_;
  std::unique_ptr<LiveEngine> live_;
};

TEST_F(ForeignTest, AProgramWaitsForItsAnswer) {
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.foreign->path.empty(); }));
  const auto asked = *live_->latest()->foreign;
  EXPECT_EQ(asked.path, test::script_golden("good.pt").string());
  EXPECT_EQ(asked.sha256.size(), 64u);
  EXPECT_GT(asked.bytes, 1000);
  EXPECT_TRUE(asked.weights.empty());
  EXPECT_EQ(live_->latest()->fault, "") << "it is a question, and no mistake";
  EXPECT_FALSE(live_->latest()->dream->ready);
  live_->send(AnswerForeign{asked.path, asked.sha256, false});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.foreign->path.empty(); }));
  EXPECT_FALSE(is_trusted(asked.sha256));

  live_->send(OpenRun{asked.path});
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.foreign->path.empty(); }));
  live_->send(AnswerForeign{asked.path, std::string(64, '0'), true});  // another question's answer
  live_->send(AnswerForeign{asked.path, asked.sha256, true});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready && s.dream->step > 3; }));
  EXPECT_TRUE(is_trusted(asked.sha256));
  EXPECT_FALSE(is_trusted(std::string(64, '0')));
  EXPECT_TRUE(live_->latest()->foreign->path.empty());
  EXPECT_EQ(live_->latest()->dream->environment, "Pendulum");
  // What goes wrong with the next one is a fault, and this dream goes on.
  user_.agree(test::script_golden("nan.pt"));
  live_->send(OpenRun{test::script_golden("nan.pt").string()});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.fault.find("`observe`") != std::string::npos; }));
  const auto step = live_->latest()->dream->step;
  EXPECT_TRUE(comes([&](const Snapshot& s) { return s.dream->step != step; }));
}

TEST_F(ForeignTest, ARunOfAProgramDreamsAndLearnsNothing) {
  user_.agree(test::script_golden("good.pt"));
  const auto run = folder_ / "runs" / "mine";
  std::filesystem::create_directories(run);
  load_run(test::script_golden("good.pt")).save(run / "checkpoint.safetensors");
  live_->send(OpenRun{run.string()});
  ASSERT_TRUE(comes([&](const Snapshot& s) { return s.dream->ready && s.dream->run == run.string(); }));
  live_->send(RescanRuns{});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.runs->size() == 1 && s.runs->front().usable; }));
  EXPECT_EQ(live_->latest()->runs->front().model, "PyTorch's program");
  live_->send(TrainRun{run.string(), ""});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.fault.find("learns nothing here") != std::string::npos; }));
  EXPECT_FALSE(live_->latest()->train->open);
  for (const auto& recipe : live_->latest()->train->recipes) EXPECT_NE(recipe.name, "torchscript") << "no run is begun of it";
}

TEST_F(ForeignTest, WeightsAreListed) {
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.foreign->path.empty(); }));
  const auto file = test::script_golden("..") / "state_dict" / "plain.pt";
  live_->send(OpenRun{file.string()});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.foreign->weights.size() == 4; }));
  const auto listed = *live_->latest()->foreign;
  EXPECT_EQ(listed.sha256, "");
  EXPECT_EQ(listed.weights[1].name, "0.weight");
  EXPECT_EQ(listed.weights[1].type, "Float [4, 3]");
  EXPECT_EQ(listed.weights[1].histogram.size(), 32u);
  EXPECT_NE(listed.weights[1].numbers.find("0 to 1.375"), std::string::npos) << listed.weights[1].numbers;
  live_->send(AnswerForeign{listed.path, "", false});
  EXPECT_TRUE(comes([](const Snapshot& s) { return s.foreign->path.empty(); }));
}

}  // namespace dream::foreign_test
