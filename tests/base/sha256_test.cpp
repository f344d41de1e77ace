// FIPS 180-4, by the examples of NIST and of RFC 6234.
#include "core/base/sha256.h"

#include <gtest/gtest.h>

namespace dream {
namespace sha256_test {

std::string of(const std::string& text) {
  return sha256(text.data(), text.size());
}

TEST(Sha256, NistsExamples) {
  EXPECT_EQ(of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  std::string eight;
  for (int i = 0; i < 80; ++i) eight += "01234567";
  EXPECT_EQ(of(eight), "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5");
}

TEST(Sha256, EveryLengthAroundABlockDiffers) {
  std::string last;
  for (std::size_t n = 50; n < 70; ++n) {
    const auto now = of(std::string(n, '\0'));
    EXPECT_EQ(now.size(), 64u);
    EXPECT_NE(now, last);
    last = now;
  }
}

}  // namespace sha256_test
}  // namespace dream
