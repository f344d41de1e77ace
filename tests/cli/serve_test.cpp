// Other programs drive dreams: serve_check.py says what is expected.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/data/temp_folder.h"

namespace dream {
namespace serve_test {

TEST(Serve, APythonProgramDrivesReadsAndFollows) {
  const test::TempFolder folder;
  const auto root = std::string(DREAMSCOPE_SOURCE_DIR);
  const auto said = (folder / "said").string();
  const auto line = "python3 '" + root + "/tests/cli/serve_check.py' '" DREAMSCOPE_BIN_DIR "/dreamscope-cli' '" + root + "' '" + (folder / "").string() + "' > '" + said + "' 2>&1";
  EXPECT_EQ(std::system(line.c_str()), 0) << test::read_bytes(said);
}

}  // namespace serve_test
}  // namespace dream
