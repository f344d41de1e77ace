#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace dream {

/// Commands on their way to the one thread that carries them out.
template <typename T>
class Queue {
 public:
  void push(T item) {
    {
      std::lock_guard lock(guard_);
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
  }

  /// Everything that waits, oldest first; waits up to `patience` for a first one.
  std::deque<T> take(std::chrono::duration<double> patience = std::chrono::duration<double>(0)) {
    std::unique_lock lock(guard_);
    if (patience.count() > 0) ready_.wait_for(lock, patience, [this] { return !items_.empty(); });
    return std::exchange(items_, {});
  }

 private:
  std::mutex guard_;
  std::condition_variable ready_;
  std::deque<T> items_;
};

}  // namespace dream
