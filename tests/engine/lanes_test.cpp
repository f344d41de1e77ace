#include "core/engine/lanes.h"

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "api/error.h"
#include "core/env/registry.h"
#include "core/env/repeated.h"

namespace dream {
namespace lanes_test {

/// Notes which threads step it; the step numbered `fails_at` throws.
class Watched : public RepeatedEnv {
 public:
  struct Notes {
    std::mutex guard;
    std::set<std::thread::id> threads;
    int fails_at = -1;
  };
  Watched(std::unique_ptr<Env> inner, std::shared_ptr<Notes> notes, int number)
      : RepeatedEnv(std::move(inner), 1), notes_(std::move(notes)), number_(number) {}
  StepResult step(std::span<const float> action) override {
    {
      const std::lock_guard lock(notes_->guard);
      notes_->threads.insert(std::this_thread::get_id());
    }
    if (number_ == notes_->fails_at) throw Error("lane " + std::to_string(number_) + " is on fire");
    return RepeatedEnv::step(action);
  }

 private:
  std::shared_ptr<Notes> notes_;
  int number_;
};

class LanesTest : public ::testing::Test {
 protected:
  ~LanesTest() override { torch::set_num_threads(1); }
  EnvLanes lanes(std::int64_t count) {
    return EnvLanes(
        [this, number = 0]() mutable { return std::make_unique<Watched>(make_env("Pendulum"), notes_, number++); },
        count);
  }
  std::shared_ptr<Watched::Notes> notes_ = std::make_shared<Watched::Notes>();
};

/// Whatever the threads, every lane lives through the same.
TEST_F(LanesTest, SeveralThreadsAreAsOne) {
  const std::int64_t count = 12;
  std::vector<torch::Tensor> seen[2];
  for (const int threads : {1, 4}) {
    torch::set_num_threads(threads);
    notes_->threads.clear();
    auto worlds = lanes(count);
    for (std::int64_t lane = 0; lane < count; ++lane) worlds.start(lane, static_cast<std::uint64_t>(lane) + 5);
    auto& log = seen[threads > 1];
    for (int step = 0; step < 30; ++step) {
      std::vector<char> active(static_cast<std::size_t>(count), 1);
      active[static_cast<std::size_t>(step % count)] = 0;
      const auto actions = torch::linspace(-2, 2, count).unsqueeze(1) * (step % 3);
      std::vector<float> rewards;
      for (const auto& result : worlds.step(actions, active)) rewards.push_back(result.reward);
      log.push_back(torch::cat({torch::tensor(rewards), worlds.vectors().flatten()}).clone());
    }
#ifdef _OPENMP  // Torch's pool has one thread for code that was compiled without
    EXPECT_EQ(notes_->threads.size(), static_cast<std::size_t>(threads));
#endif
  }
  for (std::size_t i = 0; i < seen[0].size(); ++i) EXPECT_TRUE(torch::equal(seen[0][i], seen[1][i])) << i;
}

TEST_F(LanesTest, WhatALaneThrowsOnAnotherThreadIsThrown) {
  torch::set_num_threads(4);
  auto worlds = lanes(8);
  for (std::int64_t lane = 0; lane < 8; ++lane) worlds.start(lane, 1);
  notes_->fails_at = 7;
  try {
    worlds.step(torch::zeros({8, 1}), std::vector<char>(8, 1));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "lane 7 is on fire");
  }
}

}  // namespace lanes_test
}  // namespace dream
