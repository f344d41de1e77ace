#include "core/base/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace dream {
namespace text_test {

TEST(Printable, LeavesWhatPeopleRead) {
  EXPECT_EQ(printable("Σ(x − x̂)² = 3.1 ± 0.2 'τ'"), "Σ(x − x̂)² = 3.1 ± 0.2 'τ'");
  EXPECT_EQ(printable("日本語 😀"), "日本語 😀");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, SpellsOutWhatTerminalsObey) {
  EXPECT_EQ(printable("a\x1b]0;owned\x07\x1b[31m"), "a\\x1b]0;owned\\x07\\x1b[31m");
  EXPECT_EQ(printable("two\nlines\r\t"), "two\\nlines\\x0d\\t");
  EXPECT_EQ(printable("\x7f\xc2\x9b"
                      "31m"),
            "\\x7f\\u009b31m")
      << "control characters of eight bits, too";
  EXPECT_EQ(printable("\u202egpj.exe\u2066\u200b\ufeff"), "\\u202egpj.exe\\u2066\\u200b\\ufeff");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "\\x00x");
}

TEST(Printable, SpellsOutWhatIsNoText) {
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc3"), "\\xc3") << "cut short";
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "longer than it need be";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a pair";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, CutsTheMiddleOfWhatIsLong) {
  const std::string text = "begin" + std::string(100000, '.') + "end";
  const auto shown = printable(text, 30);
  EXPECT_EQ(shown,
            "begin..............."
            "…"
            ".......end");
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("ττττττ", 3), "ττ…τ") << "characters, not bytes";
}

TEST(Numbers, AreReadWholeOrNotAtAll) {
  EXPECT_EQ(whole_number("12"), 12);
  EXPECT_EQ(whole_number("+12"), 12);
  EXPECT_EQ(whole_number("-3"), -3);
  EXPECT_EQ(whole_number("1e6"), 1000000);
  EXPECT_EQ(whole_number("007"), 7) << "no octal numbers";
  EXPECT_EQ(whole_number("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* wrong :
       {"", " ", "1.5", "nan", "inf", "9223372036854775808", "1e30", "0x10", "1 ", "+-1", "++1", "-"})
    EXPECT_FALSE(whole_number(wrong)) << wrong;
  EXPECT_EQ(finite_number("0.5"), 0.5);
  EXPECT_EQ(finite_number("1e-4"), 1e-4);
  EXPECT_EQ(finite_number("-2"), -2.0);
  for (const char* wrong : {"", "nan", "-nan", "inf", "infinity", "1e999", "1,5", "0.5x"})
    EXPECT_FALSE(finite_number(wrong)) << wrong;
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(100), "100");
}

TEST(TypedPath, IsReadAsAShellReadsIt) {
  const auto read = [](std::string_view text) { return typed_path(text, "/home/ann"); };
  EXPECT_EQ(read("runs/car"), "runs/car");
  EXPECT_EQ(read("  runs/car \r\n"), "runs/car");
  EXPECT_EQ(read("~"), "/home/ann");
  EXPECT_EQ(read("~/runs/car/"), "/home/ann/runs/car/");
  EXPECT_EQ(read("'runs/my car'"), "runs/my car");
  EXPECT_EQ(read("\"runs/my car\"\n"), "runs/my car");
  EXPECT_EQ(read("~/'my car'/x"), "/home/ann/my car/x");
  EXPECT_EQ(read("runs/my\\ car"), "runs/my car");
  EXPECT_EQ(read("runs/car\\ "), "runs/car ") << "a blank that was meant";
  EXPECT_EQ(read("'it'\\''s'"), "it's");
  EXPECT_EQ(read("'a\\b'"), "a\\b") << "single quotes keep all";
  EXPECT_EQ(read("\"a\\b\\\"c\""), "a\\b\"c") << "double ones all but a few";
  EXPECT_EQ(read(" \n"), "");
}

TEST(TypedPath, ATildeIsAHomeOnlyWhereAShellSaysSo) {
  EXPECT_EQ(typed_path("'~/x'", "/home/ann"), "~/x");
  EXPECT_EQ(typed_path("runs/~", "/home/ann"), "runs/~");
  EXPECT_EQ(typed_path("~ann/x", "/home/ann"), "~ann/x");
  EXPECT_EQ(typed_path("~/x", ""), "~/x") << "no home is known";
}

}  // namespace text_test
}  // namespace dream
