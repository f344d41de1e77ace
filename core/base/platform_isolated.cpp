#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>

#include "api/error.h"
#include "core/base/isolated.h"

namespace dream {
namespace {

constexpr unsigned patience = 20;  // so many times as long by the clock as by the processor
constexpr char result_mark = 'r', error_mark = 'e';

bool write_all(int descriptor, const void* bytes, std::size_t count) {
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    next += written;
    count -= static_cast<std::size_t>(written);
  }
  return true;
}

bool read_all(int descriptor, void* bytes, std::size_t count) {
  char* next = static_cast<char*>(bytes);
  while (count > 0) {
    const ssize_t got = ::read(descriptor, next, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

[[noreturn]] void work_and_exit(int descriptor, int seconds, const std::function<std::string()>& work) {
  // A crash ends this process quietly; Ctrl-C is for the other one to answer, and its death ends the writing below.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM, SIGXCPU, SIGTERM, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  ::signal(SIGINT, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // A loop takes the processor's time, which a busy machine does not shorten; who waits for nothing takes only the clock's.
  const rlimit busy = {static_cast<rlim_t>(seconds), static_cast<rlim_t>(seconds)};
  ::setrlimit(RLIMIT_CPU, &busy);
  ::alarm(static_cast<unsigned>(seconds) * patience);

  char mark = result_mark;
  std::string text;
  try {
    text = work();
  } catch (const Error& error) {
    mark = error_mark;
    text = error.what();
  }
  const std::uint64_t size = text.size();
  const bool sent = write_all(descriptor, &mark, 1) && write_all(descriptor, &size, sizeof size) &&
                    write_all(descriptor, text.data(), size);
  ::_exit(sent ? 0 : 1);
}

}  // namespace

std::string run_isolated(const std::string& subject, int seconds, const std::function<std::string()>& work) {
  // One begins at a time: a child that holds another's end of writing would keep a reader waiting whose own child has crashed.
  static std::mutex one;
  std::unique_lock beginning(one);
  int ends[2];
  if (::pipe(ends) != 0) throw Error("Cannot read " + subject + ": " + std::strerror(errno) + ".");
  const pid_t child = ::fork();
  if (child < 0) {
    const std::string reason = std::strerror(errno);
    ::close(ends[0]);
    ::close(ends[1]);
    throw Error("Cannot read " + subject + " in a process of its own: " + reason + ".");
  }
  if (child == 0) {
    ::close(ends[0]);
    try {
      work_and_exit(ends[1], seconds, work);
    } catch (...) {
      ::_exit(1);
    }
  }
  ::close(ends[1]);
  beginning.unlock();
  char mark = 0;
  std::uint64_t size = 0;
  std::string text;
  bool whole = read_all(ends[0], &mark, 1) && read_all(ends[0], &size, sizeof size);
  if (whole) {
    text.resize(size);
    whole = read_all(ends[0], text.data(), size);
  }
  ::close(ends[0]);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!whole) {
    throw Error(subject + " is damaged in a way that ends or stalls the reader (" + std::to_string(seconds) +
                " s of the processor were allowed); nothing of it was taken.");
  }
  if (mark == error_mark) throw Error(text);
  return text;
}

}  // namespace dream
