#pragma once
#include <memory>

#include "api/command.h"
#include "api/snapshot.h"

namespace dream {

/// The only crossing between the window and the threads that compute. Thread-safe; both calls return at once.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void send(Command command) = 0;
  virtual std::shared_ptr<const Snapshot> latest() const = 0;  // never null, nor are its members
};

}  // namespace dream
