#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/platform_time.h"
#include "api/snapshot.h"
#include "core/base/mailbox.h"

namespace dream {

/// The newest lines of what happened, for the window's log. Thread-safe.
class Log {
 public:
  enum Level { info = 0, warning = 1, error = 2 };

  void say(std::string text, Level level = info) {
    std::lock_guard lock(guard_);
    auto lines = std::make_shared<std::vector<LogLine>>(*lines_.get());
    if (lines->size() >= capacity) lines->erase(lines->begin());
    lines->push_back({now_seconds() - began_, level, std::move(text)});
    lines_.put(std::move(lines));
  }

  std::shared_ptr<const std::vector<LogLine>> lines() const { return lines_.get(); }

 private:
  static constexpr std::size_t capacity = 300;
  std::mutex guard_;
  Mailbox<std::vector<LogLine>> lines_{std::make_shared<std::vector<LogLine>>()};
  double began_ = now_seconds();
};

}  // namespace dream
