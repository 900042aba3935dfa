#include "config/toml_file.h"

#include "support.h"

namespace dtbench {
namespace {

std::string refusal(const std::string& text) {
  const TemporaryFolder folder;
  const auto path = folder.write("any.toml", text);
  return usage_message([&] { read_toml_file(path); });
}

TEST(TomlFile, QuotesCommentsAndListsAreRead) {
  const TemporaryFolder folder;
  const Json value = read_toml_file(folder.write(
      "any.toml",
      "a.b = 1 # [=]\n\"q.r\" = '[='\nt = \"\"\"\n[.]\"\"\"\nl = [1, [2.5], {x = true}]\n"));
  EXPECT_EQ(value.dump(), R"({"a":{"b":1},"l":[1,[2.5],{"x":true}],"q.r":"[=","t":"[.]"})");
}

// toml++ takes for granted that a key begins where it reads one.
TEST(TomlFile, HeadersWithoutAKeyAreRefused) {
  for (const char* text : {"[=]\n", "[.a]\n", "[[=]]\n", "[#]\n", "[,", "[a.=]\n", "a.=1\n"})
    EXPECT_TRUE(says(refusal(text), "not valid TOML")) << text;
}

// Of letters like these toml++ asks what it has no answer to.
TEST(TomlFile, LettersBeyondAsciiNeedDoubleQuotes) {
  for (const char* text : {"\u025d = 1\n", "[a\u00e9]\n", "a = \u4e2d\n", "a = 1\"x\"\u00e9\n"})
    EXPECT_TRUE(says(refusal(text), "line 1: expected ASCII outside quotes")) << text;
  EXPECT_TRUE(says(refusal("a = 1\nb = '\u00e9'\n"), "line 2: expected ASCII in single quotes"));
  EXPECT_TRUE(says(refusal("a = \"\\\u00e9\"\n"), "expected an escape after a backslash"));
  EXPECT_TRUE(says(refusal("a = \"\xff\"\n"), "expected UTF-8"));

  const TemporaryFolder folder;
  const Json value = read_toml_file(folder.write(
      "any.toml",
      "\uFEFF\"\u025d\" = \"\u4e2d\U0001F600\\\\\" # \u00e9\nb = \"\"\"c \\\n  \u00e9\"\"\"\n"));
  EXPECT_EQ(value, (Json{{"\u025d", "\u4e2d\U0001F600\\"}, {"b", "c \u00e9"}}));
}

// It also goes back by no more characters than it remembers: 127.
TEST(TomlFile, LongWordsAreRefused) {
  const std::string word(101, '1'), date = "1979-05-27" + std::string(115, '_') + " 1_2_3";
  EXPECT_TRUE(
      says(refusal("a = 1\nb = " + word + "\n"), "line 2: expected at most 100 characters"));
  EXPECT_TRUE(says(refusal("a = " + date + "\n"), "expected at most 100 characters"));
  EXPECT_EQ(refusal("a = \"" + word + "\" # " + word + "\n'" + word + "' = 1\n"), "");
  EXPECT_EQ(refusal(std::string(100, 'a') + " = 1\n"), "");
}

}  // namespace
}  // namespace dtbench
