#include "core/base/platform_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "api/error.h"
#include "api/platform_time.h"

extern char** environ;

namespace dream {
namespace {

constexpr std::size_t kept_output = 8192;
constexpr double moment = 3;               // seconds that a program may take to end by itself
constexpr int first_other = 4;             // the child's descriptors: three usual ones and the socket

[[noreturn]] void cannot(const std::string& what) {
  throw Error("Cannot " + what + ": " + std::strerror(errno) + ".");
}

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes) : size_(bytes) {
  descriptor_ = ::memfd_create("dreamscope", MFD_CLOEXEC);
  if (descriptor_ < 0) cannot("share memory with another process");
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0) {
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (mapped != MAP_FAILED) {
      data_ = static_cast<std::byte*>(mapped);
      return;
    }
  }
  ::close(descriptor_);
  cannot("share memory with another process");
}

SharedMemory::~SharedMemory() {
  ::munmap(data_, size_);
  ::close(descriptor_);
}

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& before,
                           const std::vector<std::string>& after) {
  int talk[2], print[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) != 0) cannot("start '" + program + "'");
  if (::pipe2(print, O_CLOEXEC) != 0) {
    ::close(talk[0]), ::close(talk[1]);
    cannot("start '" + program + "'");
  }
  std::vector<std::string> words{program};
  words.insert(words.end(), before.begin(), before.end());
  words.push_back(std::to_string(first_other - 1));
  words.insert(words.end(), after.begin(), after.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, print[1], 1);
  posix_spawn_file_actions_adddup2(&files, print[1], 2);
  posix_spawn_file_actions_adddup2(&files, talk[1], first_other - 1);
  posix_spawn_file_actions_addclosefrom_np(&files, first_other);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  sigset_t usual, none;
  ::sigfillset(&usual);
  ::sigemptyset(&none);
  posix_spawnattr_setsigdefault(&how, &usual);
  posix_spawnattr_setsigmask(&how, &none);
  const int failed = ::posix_spawn(&process_, program.c_str(), &files, &how, arguments.data(), environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  ::close(talk[1]), ::close(print[1]);
  socket_ = talk[0], output_ = print[0];
  if (failed == 0) return;
  ::close(socket_), ::close(output_);
  errno = failed;
  cannot("start '" + program + "'");
}

ChildProcess::~ChildProcess() {
  ::close(socket_);
  socket_ = -1;
  for (const double until = now_seconds() + moment; !ended(WNOHANG) && now_seconds() < until; ::usleep(2000)) {
    take_output();  // whoever waits for its words to be read does not end
  }
  kill();
  end();
  ::close(output_);
}

void ChildProcess::kill() {
  if (process_ > 0) ::kill(-process_, SIGKILL);  // its session: what it has started too
}

/// It is still to be buried: until then nobody else has its number.
bool ChildProcess::ended(int how) const {
  siginfo_t found{};
  return process_ <= 0 || (::waitid(P_PID, static_cast<id_t>(process_), &found, WEXITED | WNOWAIT | how) == 0 &&
                           found.si_pid == process_);
}

std::string ChildProcess::end() {
  while (!ended(0)) {
  }
  kill();  // what it has started and left behind
  while (process_ > 0) {
    if (::waitpid(process_, &status_, 0) == process_ || errno != EINTR) process_ = -1;
  }
  return WIFSIGNALED(status_) ? "signal " + std::to_string(WTERMSIG(status_))
                              : "exit code " + std::to_string(WEXITSTATUS(status_));
}

void ChildProcess::take_output() {
  std::array<char, 4096> some;
  pollfd ready{output_, POLLIN, 0};
  while (::poll(&ready, 1, 0) > 0) {
    const auto count = ::read(output_, some.data(), some.size());
    if (count <= 0) return;
    tail_.append(some.data(), static_cast<std::size_t>(count));
    if (tail_.size() > 2 * kept_output) tail_.erase(0, tail_.size() - kept_output);
  }
}

std::string ChildProcess::printed() {
  take_output();
  return tail_;
}

/// Until the socket is ready, while what is printed is read: a full pipe would stop the other program.
ChildProcess::Heard ChildProcess::wait(short events, double until) {
  std::array<pollfd, 2> ready{{{socket_, events, 0}, {output_, POLLIN, 0}}};
  for (;;) {
    const double left = until - now_seconds();
    if (left <= 0) return Heard::late;
    const int count = ::poll(ready.data(), ready.size(), static_cast<int>(std::min(left * 1000 + 1, 1e9)));
    if (count < 0 && errno != EINTR) return Heard::closed;
    if (count <= 0) continue;
    if (ready[1].revents & POLLIN) take_output();
    if (ready[1].revents & (POLLHUP | POLLERR) && !(ready[1].revents & POLLIN)) ready[1].fd = -1;
    if (ready[0].revents) return Heard::all;
  }
}

ChildProcess::Heard ChildProcess::send(std::span<const std::byte> bytes, double seconds, int descriptor) {
  const double until = now_seconds() + seconds;
  while (!bytes.empty()) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> beside{};
    if (descriptor >= 0) {
      message.msg_control = beside.data();
      message.msg_controllen = beside.size();
      cmsghdr* head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
    }
    const auto sent = ::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      descriptor = -1;
    } else if (errno == EAGAIN) {
      if (const auto heard = wait(POLLOUT, until); heard != Heard::all) return heard;
    } else if (errno != EINTR) {
      return Heard::closed;
    }
  }
  return Heard::all;
}

ChildProcess::Heard ChildProcess::receive(std::span<std::byte> into, double seconds) {
  const double until = now_seconds() + seconds;
  while (!into.empty()) {
    const auto got = ::recv(socket_, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Heard::closed;
    } else if (const auto heard = wait(POLLIN, until); heard != Heard::all) {
      return heard;
    }
  }
  return Heard::all;
}

std::string program_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  const std::string folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
  for (std::size_t from = 0; from <= folders.size();) {
    const auto end = std::min(folders.find(':', from), folders.size());
    const auto file = std::filesystem::path(folders.substr(from, end - from)) / name;
    if (::access(file.c_str(), X_OK) == 0) return file.string();
    from = end + 1;
  }
  return "";
}

}  // namespace dream
