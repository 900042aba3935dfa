#include "base/ascii.h"

#include <gtest/gtest.h>

namespace dtbench::testing {
namespace {

TEST(Ascii, TrimmedLosesBlanksAtItsEndsAlone) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \r\n"), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Ascii, LowerCaseIsOfAsciiAlone) {
  EXPECT_EQ(lower_case("AZ[`az{@"), "az[`az{@");
  EXPECT_EQ(lower_case("\u00c4\u0130"), "\u00c4\u0130");
}

}  // namespace
}  // namespace dtbench::testing
