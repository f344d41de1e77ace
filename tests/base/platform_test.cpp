// A port to another system replaces core/base/platform*.cpp: nothing else may call the system.
#include "core/base/platform.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

namespace dream {
namespace {

namespace fs = std::filesystem;

/// Lines that include a header of the system, as "file: line".
std::vector<std::string> system_includes(const fs::path& file) {
  static const std::regex header(
      R"(\s*#\s*include\s*<((sys|linux|mach|net|arpa|netinet)/.*|(unistd|fcntl|pthread|sched|dlfcn|signal|poll|malloc|termios|windows|pwd|spawn|semaphore)\.h)>.*)");
  std::vector<std::string> found;
  std::ifstream text(file);
  for (std::string line; std::getline(text, line);) {
    if (std::regex_match(line, header)) found.push_back(file.string() + ": " + line);
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

}  // namespace
}  // namespace dream
