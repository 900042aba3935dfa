#include "data/pretokenize.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dtbench {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    pieces.emplace_back(text.substr(0, next_piece(text)));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

using Pieces = std::vector<std::string>;

// Expected by the pattern's text; test_tokenizer_parity.py holds every code point and random text
// against Hugging Face.
TEST(Pretokenize, SplitsAsThePatternReads) {
  EXPECT_EQ(split("We'll see, it's 2024!"),
            (Pieces{"We", "'ll", " see", ",", " it", "'s", " 2024", "!"}));
  EXPECT_EQ(split("a1b2"), (Pieces{"a", "1", "b", "2"}));
  EXPECT_EQ(split("'S 's ''s 'x"), (Pieces{"'", "S", " '", "s", " ''", "s", " '", "x"}));
  EXPECT_EQ(split("x're'v'l"), (Pieces{"x", "'re", "'", "v", "'", "l"}));
}

TEST(Pretokenize, WhiteSpaceLeavesItsLastCharacterToTheWord) {
  EXPECT_EQ(split("a  b"), (Pieces{"a", " ", " b"}));
  EXPECT_EQ(split("a \n b"), (Pieces{"a", " \n", " b"}));
  EXPECT_EQ(split("a\nb"), (Pieces{"a", "\n", "b"}));
  EXPECT_EQ(split("a\t\tb"), (Pieces{"a", "\t", "\t", "b"}));
  EXPECT_EQ(split("a  "), (Pieces{"a", "  "}));
  EXPECT_EQ(split(" "), (Pieces{" "}));
  EXPECT_EQ(split("a\u00A0\u2003b"), (Pieces{"a", "\u00A0", "\u2003", "b"}));
}

TEST(Pretokenize, KnowsUnicodeClasses) {
  EXPECT_EQ(split("été漢字²Ⅷ e\u0301"), (Pieces{"été漢字", "²Ⅷ", " e", "\u0301"}));
  EXPECT_EQ(character_class(0x1C89), CharacterClass::kLetter);  // new in Unicode 16
  EXPECT_EQ(character_class(0x10FFFF), CharacterClass::kOther);
}

}  // namespace
}  // namespace dtbench
