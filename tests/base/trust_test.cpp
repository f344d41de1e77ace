#include "core/base/trust.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/trusting.h"

namespace dream {
namespace trust_test {

TEST(Trust, IsALineForEachProgram) {
  const test::Trusting user;
  const std::string a(64, 'a'), b(64, 'b');
  EXPECT_FALSE(is_trusted(a));
  trust(a, "models/a.pt");
  trust(a, "elsewhere/a.pt");
  EXPECT_TRUE(is_trusted(a));
  EXPECT_FALSE(is_trusted(b));
  EXPECT_FALSE(is_trusted("")) << "an empty line agrees to nothing";
  EXPECT_FALSE(is_trusted(a.substr(0, 63)));
  trust(b, "a name\nwith a line of its own: " + std::string(64, 'c'));
  EXPECT_TRUE(is_trusted(b));
  EXPECT_FALSE(is_trusted(std::string(64, 'c')));
  const auto list = test::read_bytes(user.list());
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 2) << list;
  EXPECT_TRUE(list.starts_with(a + " models/a.pt\n")) << list;
}

TEST(Trust, ManyAtOnceAreAllRemembered) {
  const test::Trusting user;
  {
    std::vector<std::jthread> threads;
    for (char c = 'a'; c < 'g'; ++c) threads.emplace_back([c] { trust(std::string(64, c), "x"); });
  }
  for (char c = 'a'; c < 'g'; ++c) EXPECT_TRUE(is_trusted(std::string(64, c))) << c;
}

TEST(Trust, TheSentenceSaysWhatToDo) {
  const Untrusted error("x.pt", std::string(64, 'd'));
  const std::string text = error.what();
  for (const char* part : {"x.pt", "--trust", "window", "dddd"}) EXPECT_NE(text.find(part), std::string::npos) << text;
}

}  // namespace trust_test
}  // namespace dream
