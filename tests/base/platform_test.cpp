// A port to another system replaces core/base/platform*.cpp: nothing else may call the system.
#include "core/base/platform.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace dream {
namespace platform_test {

namespace fs = std::filesystem;

bool of_the_system(const std::string& header) {
  static const std::set<std::string> names = {"unistd.h", "fcntl.h", "pthread.h",  "sched.h",   "dlfcn.h",
                                              "signal.h", "poll.h",  "malloc.h",   "termios.h", "windows.h",
                                              "pwd.h",    "spawn.h", "semaphore.h"};
  for (const char* folder : {"sys/", "linux/", "mach/", "net/", "netinet/", "arpa/"}) {
    if (header.starts_with(folder)) return true;
  }
  return names.contains(header);
}

/// Lines that include a header of the system, as "file: line".
std::vector<std::string> system_includes(const fs::path& file) {
  std::vector<std::string> found;
  std::ifstream text(file);
  for (std::string line; std::getline(text, line);) {
    const auto open = line.find('<'), close = line.find('>');
    if (!line.starts_with("#include") || close == std::string::npos) continue;
    if (of_the_system(line.substr(open + 1, close - open - 1))) found.push_back(file.string() + ": " + line);
  }
  return found;
}

TEST(PlatformTest, NothingElseCallsTheSystem) {
  const fs::path root = DREAMSCOPE_SOURCE_DIR;
  std::size_t files = 0, inside = 0;
  for (const char* folder : {"api", "app", "core", "ui"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      ++files;
      const auto found = system_includes(entry.path());
      const bool platform = entry.path().parent_path() == root / "core" / "base" &&
                            entry.path().filename().string().starts_with("platform");
      if (platform) {
        inside += found.size();
      } else {
        EXPECT_TRUE(found.empty()) << found.front();
      }
    }
  }
  EXPECT_GT(files, 100u);
  EXPECT_GT(inside, 5u) << "the search finds what is there";
}

TEST(PlatformTest, TheMachineHasANameAndMemory) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_GT(memory_of_machine(), 1e8);
}

}  // namespace platform_test
}  // namespace dream
