#pragma once
#include <memory>
#include <mutex>
#include <utility>

namespace dream {

/// One slot that holds the newest value. Writers replace it, readers share it; the lock is held for a pointer's copy.
template <typename T>
class Mailbox {
 public:
  explicit Mailbox(std::shared_ptr<const T> first) : value_(std::move(first)) {}

  void put(std::shared_ptr<const T> value) {
    std::lock_guard lock(guard_);
    value_.swap(value);  // the old value dies after the lock is given back
  }

  std::shared_ptr<const T> get() const {
    std::lock_guard lock(guard_);
    return value_;
  }

 private:
  mutable std::mutex guard_;
  std::shared_ptr<const T> value_;
};

}  // namespace dream
