#include "core/base/platform.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace dream {
namespace {

std::atomic<bool> interrupt_seen = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch lock-free atomics only");

// One Ctrl-C can come twice: from the terminal, and handed on by a program like `timeout` in between.
constexpr std::int64_t one_press_ms = 500;
std::atomic<std::int64_t> interrupted_at = 0;
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::atomic<int> first_signal = 0;

/// A terminal that closes sends SIGHUP more than once, and every line to a broken pipe sends SIGPIPE again.
void on_loss(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
  interrupt_seen = true;
}

void on_interrupt(int signal) {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
  std::int64_t first = 0;
  if (interrupted_at.compare_exchange_strong(first, ms)) {
    on_loss(signal);
  } else if (ms - first > one_press_ms) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

}  // namespace

void lower_thread_priority() {
  // On Linux a thread has a priority of its own, which the threads it creates inherit.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
}

void name_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);  // blocks of every size: a threshold could not pass 32 MB
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);  // arenas of other threads could not hold such blocks
#endif
  // Torch's own switch: blocks of 2 MB and more ask for huge pages, 512 times fewer to fault in.
  setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
}

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  if (std::signal(SIGHUP, on_loss) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, on_loss);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() {
  return interrupt_seen.load();
}

int interrupt_signal() {
  return first_signal.load();
}

const std::atomic<bool>& interrupt_flag() {
  return interrupt_seen;
}

std::filesystem::path program_directory() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::filesystem::path settings_directory() {
  if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg && *xdg) return std::filesystem::path(xdg) / "dreamscope";
  if (const auto home = home_directory(); !home.empty()) return std::filesystem::path(home) / ".config" / "dreamscope";
  return std::filesystem::temp_directory_path() / "dreamscope";
}

std::filesystem::path cache_directory() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) return std::filesystem::path(xdg) / "dreamscope";
  if (const auto home = home_directory(); !home.empty()) return std::filesystem::path(home) / ".cache" / "dreamscope";
  return std::filesystem::temp_directory_path() / "dreamscope";
}

std::string home_directory() {
  const char* home = std::getenv("HOME");
  return home ? home : "";
}

bool terminal_on_stdin() {
  return isatty(STDIN_FILENO) == 1;
}

bool terminal_on_stderr() {
  return isatty(STDERR_FILENO) == 1;
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double memory_of_machine() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

}  // namespace dream
