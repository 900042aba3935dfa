#include "base/text.h"

#include <gtest/gtest.h>

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
}

TEST(Text, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(printable("\x1b[31mRED\x07\x7f"), "\\x1b[31mRED\\x07\\x7f");
  EXPECT_EQ(printable("a\tb\nZürich"), "a\tb\nZürich");
}

}  // namespace
}  // namespace dtbench
