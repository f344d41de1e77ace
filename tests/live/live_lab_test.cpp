// The laboratory beside the dream: questions asked, kept, called off, and moments that a dream begins at.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace live_lab_test {

class LiveLab : public ::testing::Test {
 protected:
  LiveLab() { torch::set_num_threads(1); }
  std::string path(const std::string& name) const { return (folder_ / "runs" / name).string(); }
  void make(const std::string& name) {
    Trainer(test::tiny_dreamer({"dreamer-v3", "Catch", {}}, path(name)), {}, false).close();
  }
  void start(const std::string& open) {
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_ / "runs";
    options.assets = folder_ / "assets";
    options.open = open;
    live_ = std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 12000; ++i) {
      if (wanted(*live_->latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return ::testing::AssertionFailure() << "fault '" << live_->latest()->fault << "'";
  }
  std::shared_ptr<const LabAnswer> answer(const std::string& question, const std::vector<std::string>& runs) const {
    for (const auto& each : live_->latest()->lab->answers)
      if (each->question == question && each->runs == runs && each->complete) return each;
    return nullptr;
  }
  test::TempFolder folder_;
  std::unique_ptr<LiveEngine> live_;
};

TEST_F(LiveLab, AnAnswerIsKeptWithItsRun) {
  make("catch");
  start("");
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.lab->questions.empty(); }));
  live_->send(AskLab{"horizon", {path("catch")}});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", {path("catch")}) != nullptr; }));
  const auto first = answer("horizon", {path("catch")});
  EXPECT_EQ(first->fault, "");
  EXPECT_FALSE(first->kept);
  EXPECT_FALSE(first->numbers.empty());
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.lab->queue.empty(); }));
  EXPECT_FALSE(std::filesystem::is_empty(path("catch") + "/lab"));

  live_->send(AskLab{"horizon", {path("catch")}});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", {path("catch")})->kept; }));
  EXPECT_EQ(answer("horizon", {path("catch")})->sentence, first->sentence);
  live_->send(AskLab{"horizon", {path("catch")}, true});
  ASSERT_TRUE(comes([&](const Snapshot&) {
    const auto now = answer("horizon", {path("catch")});
    return now && !now->kept;
  })) << "asked anew it is measured anew";
  EXPECT_EQ(answer("horizon", {path("catch")})->sentence, first->sentence) << "and comes out the same";
  live_.reset();
  start(path("catch"));
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", {path("catch")}) != nullptr; })) << "It is there in the next session, unasked.";
  EXPECT_TRUE(answer("horizon", {path("catch")})->kept);
  EXPECT_EQ(answer("horizon", {path("catch")})->sentence, first->sentence);
  EXPECT_EQ(live_->latest()->lab->answers.size(), 1u);
}

TEST_F(LiveLab, SeveralRunsAreAnsweredSideBySide) {
  make("one"), make("two");
  start("");
  const std::vector<std::string> runs = {path("one"), path("two")};
  live_->send(AskLab{"horizon", runs});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", runs) != nullptr; }));
  const auto both = answer("horizon", runs);
  EXPECT_EQ(std::get<Curve>(*both->figures.front().value).lines.size(), 2u);
  EXPECT_NE(both->sentence.find("two: "), std::string::npos);
}

TEST_F(LiveLab, WhatIsCalledOffIsNotAnswered) {
  make("one"), make("two");
  start("");
  for (const auto* name : {"one", "two"}) live_->send(AskLab{"horizon", {path(name)}});
  live_->send(CancelLab{});
  ASSERT_TRUE(comes([](const Snapshot& s) { return !s.lab->questions.empty() && s.lab->queue.empty(); }));
  live_->send(AskLab{"horizon", {path("two")}});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", {path("two")}) != nullptr; })) << "others go on";
  EXPECT_EQ(answer("horizon", {path("one")}), nullptr);
  EXPECT_EQ(live_->latest()->fault, "");
}

TEST_F(LiveLab, WhatCannotBeAnsweredSaysWhy) {
  start("");
  live_->send(AskLab{"horizom", {path("catch")}});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.fault.find("did you mean 'horizon'") != std::string::npos; }));
  live_->send(AskLab{"horizon", {path("nowhere")}});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", {path("nowhere")}) != nullptr; }));
  EXPECT_NE(answer("horizon", {path("nowhere")})->fault.find("nowhere"), std::string::npos);
}

TEST_F(LiveLab, ADreamBeginsAtAMomentOfAFigure) {
  make("catch");
  start("");
  live_->send(AskLab{"horizon", {path("catch")}});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("horizon", {path("catch")}) != nullptr; }));
  const auto moment = answer("horizon", {path("catch")})->figures.front().moments.front();
  ASSERT_TRUE(moment.known());
  live_->send(BeginAt{moment});
  ASSERT_TRUE(comes([&](const Snapshot& s) {
    return s.dream->source.find("step " + std::to_string(moment.step)) != std::string::npos;
  }));
  EXPECT_EQ(live_->latest()->dream->run, path("catch")) << "the run was not open: it is now";
  EXPECT_FALSE(live_->latest()->dream->recorded) << "the real world goes on beside it";

  // The trainer takes the run up as well, and a run that opens cures what went wrong before it.
  ASSERT_TRUE(comes([&](const Snapshot& s) { return s.train->open && s.train->run == path("catch"); }));

  auto wrong = moment;
  wrong.actions = std::make_shared<const std::vector<float>>();
  live_->send(BeginAt{wrong});
  ASSERT_TRUE(comes(
      [](const Snapshot& s) { return s.fault.find("actions are not those of this world") != std::string::npos; }));
}

TEST_F(LiveLab, AWalkLeadsBetweenTwoMomentsOfTheMap) {
  make("catch");
  start("");
  const std::vector<std::string> runs = {path("catch")};
  live_->send(AskLab{"map", runs});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("map", runs) != nullptr; }));
  const auto map = answer("map", runs);
  const auto& moments = map->figures.front().moments;
  ASSERT_GT(moments.size(), 20u);
  live_->send(WalkBetween{moments[2], moments[20]});
  ASSERT_TRUE(comes([&](const Snapshot&) { return answer("map", runs) != map; }));
  const auto walked = answer("map", runs);
  ASSERT_EQ(walked->figures.back().name, "walk");
  EXPECT_EQ(std::ranges::count(walked->figures, "walk", &LabFigure::name), 1);
  EXPECT_EQ(walked->figures.back().moments.front().step, moments[2].step);
  EXPECT_EQ(walked->figures.back().moments.back().step, moments[20].step);
  EXPECT_TRUE(walked->figures.back().film);
  auto elsewhere = moments[20];
  elsewhere.run = path("other");
  live_->send(WalkBetween{moments[2], elsewhere});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.fault.find("of one run") != std::string::npos; }));
}

}  // namespace live_lab_test
}  // namespace dream
