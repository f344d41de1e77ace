#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dream {

/// Memory that another process can see. It has no name: nothing of it stays when both are gone, in whatever way.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes);  // zeros
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int descriptor_ = -1;
};

/// Another program that this one talks to over a socket. It runs in a session of its own, so that Ctrl-C in the
/// terminal is not for it, and inherits no other file of ours. It is to end when its end of the socket says that ours
/// is gone, which it does even when this program is killed. What it prints is kept, its end at least. One thread at a
/// time.
class ChildProcess {
 public:
  /// Starts `program` with `before`, the descriptor of its end of the socket, and `after` as arguments.
  ChildProcess(const std::string& program, const std::vector<std::string>& before,
               const std::vector<std::string>& after);
  /// Closes the socket and ends what has not ended within a moment.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  enum class Heard { all, closed, late };
  /// Sends all bytes, with a descriptor beside them unless it is -1; within `seconds`.
  Heard send(std::span<const std::byte> bytes, double seconds, int descriptor = -1);
  /// Fills `into`, within `seconds`.
  Heard receive(std::span<std::byte> into, double seconds);
  /// Ends it at once.
  void kill();
  /// Waits for its end, and says how it was: "exit code 1", "signal 11".
  std::string end();
  /// The last lines that it has printed.
  std::string printed();

 private:
  void take_output();
  bool ended(int how) const;
  Heard wait(short events, double until);
  int process_ = -1, socket_ = -1, output_ = -1;
  int status_ = 0;
  std::string tail_;
};

/// The program of this name in $PATH; "" when there is none.
std::string program_in_path(const std::string& name);

}  // namespace dream
