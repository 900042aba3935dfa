#include "base/text.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace dtbench {
namespace {

TEST(Text, NearestFindsTyposAndNothingFarAway) {
  const std::vector<std::string> names = {"fp32_true", "amp_fp16", "bf16_pure"};
  EXPECT_EQ(nearest("fp32_ture", names), "fp32_true");
  EXPECT_EQ(nearest("bf16pure", names), "bf16_pure");
  EXPECT_EQ(nearest("zzz", names), "");
}

TEST(Text, SuggestionNamesTheNearestAndAll) {
  EXPECT_EQ(suggestion("tinny", {"base", "tiny"}), "Did you mean 'tiny'? Known: base, tiny.");
  EXPECT_EQ(suggestion("q", {"base", "tiny"}), "Known: base, tiny.");
}

TEST(Text, SizesAndDurationsForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(5ull << 30), "5.0 GiB");
  EXPECT_EQ(human_seconds(3.21), "3.2 s");
  EXPECT_EQ(human_seconds(75.2), "1 min 15 s");
  EXPECT_EQ(human_seconds(3725), "1 h 02 min");
  EXPECT_EQ(human_seconds(-1), "?");
  EXPECT_EQ(human_seconds(1e300), "?");  // which no integer holds
}

TEST(Text, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(printable("\x1b[31mRED\x07\x7f"), "\\x1b[31mRED\\x07\\u007f");
  EXPECT_EQ(printable("a\tb\nZürich"), "a\tb\nZürich");
}

TEST(Text, NothingThatSteersATerminalIsPrintable) {
  EXPECT_EQ(printable("é😀 \t\n"), "é😀 \t\n");
  EXPECT_EQ(printable("\x1b[31m\x7f\r"), "\\x1b[31m\\u007f\\x0d");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");  // CSI as one character of C1
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");  // and as one byte
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "txt"),
            "\\u202etxt");  // right to left
}

TEST(Text, ShortenedCutsBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc...");
  EXPECT_EQ(shortened("aé", 2), "a...");
}

TEST(Text, AnErrorKeepsItsEndHoweverLongAValueIs) {
  const Error error(ExitCode::kUsage, "Unknown '" + std::string(1'000'000, 'x') + "' here.",
                    "Try.");
  const std::string message = error.what();
  EXPECT_LT(message.size(), 5000u);
  EXPECT_TRUE(message.starts_with("Unknown 'xxx"));
  EXPECT_TRUE(message.ends_with("xxx' here.\n  try: Try."));
  EXPECT_NE(message.find("bytes left out"), std::string::npos);
  EXPECT_EQ(std::string(Error(ExitCode::kUsage, "\x1b]0;x\x07").what()), "\\x1b]0;x\\x07");
}

}  // namespace
}  // namespace dtbench
