#include "base/utf8.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

TEST(Utf8, RepairsMaximalSubpartsAsTheStandardsTables) {
  const std::string r = "\xEF\xBF\xBD";
  // Unicode 16, section 3.9, tables 3-8 to 3-11.
  EXPECT_EQ(repair_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(repair_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

TEST(Utf8, LeavesValidTextAlone) {
  const std::string text =
      std::string("a\0\x7F", 3) + "é漢\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80";
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(repair_utf8(text), text);
}

TEST(Utf8, EveryCharacterComesBack) {
  for (char32_t character = 0; character < 0x110000; ++character) {
    if (character >= 0xD800 && character < 0xE000) continue;
    std::string text;
    append_utf8(text, character);
    const Utf8Character decoded = decode_utf8(text);
    ASSERT_TRUE(decoded.valid && decoded.value == character && decoded.length == text.size())
        << static_cast<std::uint32_t>(character);
  }
}

TEST(Utf8, FaultsAreFoundWhereverTheyStand) {
  for (std::size_t size = 1; size < 140; ++size) {
    std::string text(size, 'a');
    for (std::size_t at = 0; at < size; ++at) {
      text[at] = '\xFF';
      ASSERT_FALSE(is_valid_utf8(text)) << at << " of " << size;
      text[at] = 'a';
      std::string longer = text;
      longer.insert(at, "漢");
      ASSERT_TRUE(is_valid_utf8(longer)) << at << " of " << size;
      longer.erase(at + 2, 1);
      ASSERT_FALSE(is_valid_utf8(longer)) << at << " of " << size;
    }
  }
}

}  // namespace
}  // namespace dtbench
