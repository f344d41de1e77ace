// Torch's threads, for code that is compiled without OpenMP.
#include "core/nn/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/error.h"
#include "core/nn/torch.h"

namespace dream {
namespace threads_test {

TEST(Threads, TakeEveryNumberOnceAndAreAsManyAsAreAllowed) {
  for (const int allowed : {1, 3}) {
    torch::set_num_threads(allowed);
    std::vector<std::atomic<int>> taken(100);
    std::set<std::thread::id> who;
    std::mutex guard;
    on_threads(100, 1, [&](std::int64_t first, std::int64_t last) {
      for (auto i = first; i < last; ++i) ++taken[static_cast<std::size_t>(i)];
      const std::lock_guard lock(guard);
      who.insert(std::this_thread::get_id());
    });
    for (const auto& count : taken) EXPECT_EQ(count, 1);
    EXPECT_EQ(who.size(), static_cast<std::size_t>(allowed));
    int calls = 0;
    on_threads(5, 10, [&](std::int64_t first, std::int64_t last) { calls += first == 0 && last == 5 ? 1 : 100; });
    EXPECT_EQ(calls, 1) << "too few for more than one";
    on_threads(0, 1, [&](std::int64_t, std::int64_t) { ++calls; });
    EXPECT_EQ(calls, 1);
  }
  torch::set_num_threads(1);
}

TEST(Threads, ThrowWhatAThreadThrows) {
  torch::set_num_threads(2);
  const auto message = [] {
    try {
      on_threads(8, 1, [](std::int64_t first, std::int64_t) {
        if (first > 0) throw Error("the second half");
      });
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  }();
  torch::set_num_threads(1);
  EXPECT_EQ(message, "the second half");
}

}  // namespace threads_test
}  // namespace dream
