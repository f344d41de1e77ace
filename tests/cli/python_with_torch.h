#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/platform.h"

namespace dream::test {

/// A command that runs a Python which can import these modules: the linked Torch's own, or, where that came alone, without what its Python
/// needs, the readers' with this Torch; "" where there is none.
inline std::string python_with_torch(const std::string& modules = "torch") {
  std::filesystem::path torch;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; torch.empty() && std::getline(maps, line);)
    if (line.ends_with("/lib/libtorch_cpu.so")) torch = std::filesystem::path(line.substr(line.find('/'))).parent_path().parent_path();
  const auto packages = torch.parent_path();
  const auto own = packages.parent_path().parent_path().parent_path() / "bin" / "python3";
  for (const auto& python : {"'" + own.string() + "'", "PYTHONPATH='" + packages.string() + "' '" + (cache_directory() / "worlds" / "bin" / "python").string() + "'",
                             std::string("python3")})
    if (std::system((python + " -c 'import " + modules + "' > /dev/null 2>&1").c_str()) == 0) return python;
  return "";
}

}  // namespace dream::test
