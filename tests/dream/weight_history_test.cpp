// A run keeps some of its weights on its way, and a moment is dreamt on with them.
#include <gtest/gtest.h>

#include <fstream>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/engine/trainer.h"
#include "core/engine/weight_history.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace weight_history_test {

Checkpoint some_weights() {
  Checkpoint weights;
  weights.tensors["model/w"] = torch::zeros({256});
  return weights;
}

class WeightHistory : public ::testing::Test {
 protected:
  WeightHistory() { torch::set_num_threads(1); }
  std::vector<double> kept() {
    std::vector<double> progress;
    for (const auto& past : past_weights(history_)) progress.push_back(past.progress);
    return progress;
  }
  void train(int steps, double budget = 1e9) {
    int written = 0;
    for (int i = 0; i <= steps; ++i)
      keep_past(history_, static_cast<double>(i) / steps, budget, [&] { return ++written, some_weights(); });
    written_ = written;
  }
  test::TempFolder folder_;
  std::filesystem::path history_ = history_of(folder_ / "run");
  int written_ = 0;
};

TEST_F(WeightHistory, IsSpreadOverTheWholeTraining) {
  train(5000);
  const auto progress = kept();
  ASSERT_LE(progress.size(), 16u);
  ASSERT_GE(progress.size(), 12u);
  EXPECT_EQ(progress.front(), 0) << "untrained";
  EXPECT_EQ(progress.back(), 1);
  for (std::size_t i = 1; i < progress.size(); ++i)
    EXPECT_LT(progress[i] - progress[i - 1], 0.2) << "between " << progress[i - 1] << " and " << progress[i];
  EXPECT_LT(written_, 150) << "a long training does not write its weights twice as often";
}

TEST_F(WeightHistory, StaysWithinItsBudget) {
  some_weights().save(folder_ / "one.safetensors");
  const auto size = static_cast<double>(std::filesystem::file_size(folder_ / "one.safetensors"));
  train(1000, 4.5 * size);
  const auto progress = kept();
  EXPECT_EQ(progress.size(), 4u);
  EXPECT_EQ(progress.front(), 0);
  EXPECT_EQ(progress.back(), 1);
  std::filesystem::remove_all(history_);
  train(1000, 0);
  EXPECT_FALSE(std::filesystem::exists(history_));
  train(1000, size / 10);
  EXPECT_TRUE(kept().empty());
}

TEST_F(WeightHistory, GoesOnWhereTheTrainingIsMadeLonger) {
  train(1000);
  const auto before = kept();
  for (int i = 1000; i <= 10000; ++i) keep_past(history_, i / 10000.0, 1e9, [] { return some_weights(); });
  const auto after = kept();
  EXPECT_EQ(after.back(), 1);
  EXPECT_LE(after.size(), 16u);
  EXPECT_GT(std::ranges::count_if(after, [](double p) { return p > 0.1; }), 6) << "of what came after, too";
  EXPECT_TRUE(std::ranges::any_of(after, [](double p) { return p > 0.02 && p <= 0.1; })) << "what was all of it is a tenth now";
  // Going back to a checkpoint a little earlier is no longer training.
  const auto last = kept();
  keep_past(history_, 0.95, 1e9, [] { return some_weights(); });
  EXPECT_EQ(kept(), last);
}

TEST_F(WeightHistory, PassesOverWhatIsNotItsOwn) {
  std::filesystem::create_directories(history_);
  for (const char* name : {"notes.txt", "best.safetensors", "1.5.safetensors", "0.5.safetensors.tmp", "-0.1.safetensors"})
    std::ofstream(history_ / name) << "x";
  EXPECT_TRUE(kept().empty());
  train(10);
  EXPECT_EQ(kept().size(), 11u);
  EXPECT_TRUE(std::filesystem::exists(history_ / "notes.txt"));
}

/// A tiny run on Catch that was trained to its end, dreamt with by a player.
class TimeMachine : public WeightHistory {
 protected:
  void SetUp() override {
    Trainer trainer(test::tiny_dreamer({"dreamer-v3", "Catch", {}}, run_), {0, "", 1e9}, false);
    while (trainer.advance()) continue;
    trainer.close();
  }
  void load() {
    auto system = std::shared_ptr<System>(load_system(load_run(checkpoint_path(run_)), "cpu"));
    system->directory = run_, system->history = history_;
    player_.load(std::move(system), "run");
    player_.control(DreamControl::Do::pause);
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) player_.step(now_ += 0.02);
  }
  FanView fan() { return player_.view()->fan; }
  std::filesystem::path run_ = folder_ / "run";
  Player player_;
  double now_ = now_seconds();
};

TEST_F(TimeMachine, OneMomentIsDreamtOnWithTheWeightsOfEveryTime) {
  const auto last = past_weights(history_).back();
  ASSERT_EQ(last.progress, 1);
  std::filesystem::copy_file(last.file, history_ / "0.9990.safetensors");  // the same weights must dream the same
  std::ofstream(history_ / "0.9991.safetensors") << "no weights";
  for (const auto& past : past_weights(history_))  // those two, the untrained ones and the last: all have room in a fan
    if (past.progress > 0.3 && past.progress < 0.998) std::filesystem::remove(past.file);
  load();
  EXPECT_EQ(player_.view()->earlier_weights, static_cast<std::int64_t>(past_weights(history_).size()));
  steps(3);
  player_.open_fan(FanOver::weights, "");
  auto futures = fan().futures;
  const std::size_t all = futures.size();
  ASSERT_GE(all, 4u);
  ASSERT_LE(all, 9u);
  EXPECT_EQ(futures.front().picture, nullptr) << "not opened yet";
  EXPECT_NE(futures.back().picture, nullptr) << "the dream's own";
  EXPECT_EQ(futures.front().label, "0 % trained");
  EXPECT_TRUE(std::filesystem::exists(futures.front().weights));
  EXPECT_EQ(futures.back().label, "now");
  EXPECT_EQ(futures.back().weights, "");
  steps(static_cast<int>(all) - 1);  // one is opened with every step
  EXPECT_EQ(fan().steps, 0);
  steps(5);
  EXPECT_EQ(fan().steps, 5);
  futures = fan().futures;
  const auto& end = futures[all - 2];
  const auto twin = futures[all - 4], broken = futures[all - 3];
  ASSERT_NE(end.picture, nullptr);
  ASSERT_NE(twin.picture, nullptr);
  EXPECT_EQ(end.picture->pixels, twin.picture->pixels) << "the same weights, moments and chance";
  EXPECT_EQ(end.reward, twin.reward);
  ASSERT_NE(futures.front().picture, nullptr);
  EXPECT_NE(end.picture->pixels, futures.front().picture->pixels) << "untrained ones dream something else";
  EXPECT_EQ(broken.picture, nullptr);
  EXPECT_NE(broken.label.find("0.9991.safetensors"), std::string::npos) << broken.label;

  EXPECT_THROW(player_.take_future(0), Error);
  EXPECT_EQ(fan().over, FanOver::weights) << "which is refused, and all goes on";
  EXPECT_EQ(player_.view()->step, 3) << "the dream is where it waited";
  player_.open_fan(FanOver::weights, "");
  steps(static_cast<int>(all) - 1 + 2);
  player_.take_future(static_cast<int>(all) - 1);
  EXPECT_EQ(player_.view()->step, 5);
}

TEST_F(TimeMachine, AnEarlierFileIsARunToDreamWith) {
  const auto past = past_weights(history_).front();
  auto system = std::shared_ptr<System>(load_system(load_run(past.file), "cpu"));
  system->history = past.file.parent_path();
  player_.load(std::move(system), past.file.string());
  steps(2);
  EXPECT_EQ(player_.view()->step, 2);
  player_.open_fan(FanOver::weights, "");
  EXPECT_EQ(fan().over, FanOver::weights) << "and leads on to the others";
}

TEST_F(TimeMachine, WhatKeptNothingSaysSo) {
  std::filesystem::remove_all(history_);
  load();
  EXPECT_EQ(player_.view()->earlier_weights, 0);
  EXPECT_NE(test::message_of<Error>([&] { player_.open_fan(FanOver::weights, ""); }).find("kept no earlier weights"),
            std::string::npos);
  EXPECT_EQ(fan().over, FanOver::closed);
}

}  // namespace weight_history_test
}  // namespace dream
