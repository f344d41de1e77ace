// A user of the tests' own, who has agreed to nothing yet.
#pragma once
#include <cstdlib>
#include <optional>
#include <string>

#include "core/base/sha256.h"
#include "core/base/trust.h"
#include "tests/data/temp_folder.h"

namespace dream::test {

inline std::filesystem::path script_golden(const std::string& name) {
  return std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "tests" / "golden" / "script" / name;
}

class Trusting {
 public:
  Trusting() {
    if (const char* config = std::getenv("XDG_CONFIG_HOME")) before_ = config;
    setenv("XDG_CONFIG_HOME", folder_.path().c_str(), 1);
  }
  ~Trusting() { before_ ? setenv("XDG_CONFIG_HOME", before_->c_str(), 1) : unsetenv("XDG_CONFIG_HOME"); }
  Trusting(const Trusting&) = delete;
  Trusting& operator=(const Trusting&) = delete;

  static void agree(const std::filesystem::path& file) {
    const auto bytes = read_bytes(file);
    trust(sha256(bytes.data(), bytes.size()), file.string());
  }
  std::filesystem::path list() const { return folder_ / "dreamscope" / "trusted_programs"; }

 private:
  TempFolder folder_;
  std::optional<std::string> before_;
};

}  // namespace dream::test
