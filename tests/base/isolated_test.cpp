#include "core/base/isolated.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/error.h"

namespace dream {
namespace isolated_test {

std::string refusal(const std::function<std::string()>& work, int seconds = 20) {
  try {
    run_isolated("'the file'", seconds, work);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Isolated, ReturnsWhatTheWorkReturns) {
  EXPECT_EQ(run_isolated("x", 20, [] { return std::string(); }), "");
  const std::string large(3000000, 'y');
  EXPECT_EQ(run_isolated("x", 20, [&] { return large + std::string(1, '\0'); }), large + std::string(1, '\0'));
}

TEST(Isolated, WhatTheWorkChangesStaysThere) {
  int value = 1;
  run_isolated("x", 20, [&] {
    value = 2;
    return std::string();
  });
  EXPECT_EQ(value, 1);
}

TEST(Isolated, ErrorsAreThrownAgain) {
  EXPECT_EQ(refusal([]() -> std::string { throw Error("field 'x' is wrong."); }), "field 'x' is wrong.");
}

TEST(Isolated, DeathsAndStallsBecomeErrors) {
  for (const auto& work : std::vector<std::function<std::string()>>{
           []() -> std::string { std::abort(); }, []() -> std::string { std::_Exit(0); },
           []() -> std::string { throw std::runtime_error("foreign"); }, []() -> std::string { throw 3; }}) {
    EXPECT_NE(refusal(work).find("'the file' is damaged"), std::string::npos);
  }
  const auto stall = []() -> std::string {
    for (volatile bool on = true; on;) {
    }
    return "";
  };
  EXPECT_NE(refusal(stall, 1).find("1 s"), std::string::npos);
}

TEST(Isolated, WorksWhileOtherThreadsAllocate) {
  std::atomic<bool> on{true};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (on) std::string(1000, 'x').append("y");
    });
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(run_isolated("x", 20, [] { return std::string(5000, 'z'); }), std::string(5000, 'z'));
  }
  on = false;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace isolated_test
}  // namespace dream
