#include "data/byte_level_bpe.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

// The 256 byte tokens in GPT-2's spelling, ids 0..255 in the order of bytes.
Json byte_vocab() {
  Json vocab = Json::object();
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    std::string token;
    append_utf8(token, printable ? byte : next++);
    vocab[token] = static_cast<unsigned>(byte);
  }
  return vocab;
}

struct Files {
  TemporaryFolder folder;
  Json vocab = byte_vocab();
  std::string merges = "#version: 0.2\n";

  void add(const std::string& left, const std::string& right) {
    vocab[left + right] = vocab.size();
    merges += concat(left, " ", right, "\n");
  }
  ByteLevelBpe load() const {
    return {folder.write("vocab.json", vocab.dump()), folder.write("merges.txt", merges)};
  }
  void expect_load_error(const std::vector<std::string>& parts) const {
    expect_error([&] { load(); }, ExitCode::kUsage, parts);
  }
};

std::vector<std::uint16_t> encode(const ByteLevelBpe& bpe, const std::string& text) {
  std::vector<std::uint16_t> ids;
  BpeEncoder(bpe).encode(text, ids);
  return ids;
}

using TokenIds = std::vector<std::uint16_t>;

TEST(ByteLevelBpe, MergesByRankThenFromTheLeft) {
  Files files;
  files.add("b", "c");    // 256
  files.add("a", "b");    // 257
  files.add("a", "a");    // 258
  files.add("Ġ", "a");    // 259
  files.add("aa", "aa");  // 260
  const ByteLevelBpe bpe = files.load();
  EXPECT_EQ(bpe.vocab_size(), 261);
  EXPECT_EQ(encode(bpe, "abc"), (TokenIds{'a', 256}));
  EXPECT_EQ(encode(bpe, "abab"), (TokenIds{257, 257}));
  EXPECT_EQ(encode(bpe, "aaa"), (TokenIds{258, 'a'}));
  EXPECT_EQ(encode(bpe, "aaaaa a"), (TokenIds{260, 'a', 259}));
  EXPECT_EQ(encode(bpe, "\xC3\xA9"), (TokenIds{0xC3, 0xA9}));
  EXPECT_EQ(encode(bpe, "\xFF"), (TokenIds{0xEF, 0xBF, 0xBD}));
  EXPECT_EQ(encode(bpe, ""), TokenIds{});
}

TEST(ByteLevelBpe, ShortAndLongPiecesMergeAlike) {
  Files files;
  files.add("a", "a");
  files.add("aa", "aa");
  files.add("a", "b");
  files.add("aa", "ab");
  const ByteLevelBpe bpe = files.load();
  // "aa...ab": pairs from the left, then pairs of pairs; an odd "a" goes to "b", and the two of
  // them to a pair that is left.
  for (std::size_t n = 1; n < 200; ++n) {
    TokenIds expected(n / 4, 257);
    switch (n % 4) {
      case 0:
        expected.push_back('b');
        break;
      case 1:
        expected.push_back(258);
        break;
      case 2:
        expected.insert(expected.end(), {256, 'b'});
        break;
      default:
        expected.push_back(259);
    }
    EXPECT_EQ(encode(bpe, concat(std::string(n, 'a'), "b")), expected) << n;
  }
}

TEST(ByteLevelBpe, DecodesToTheSameText) {
  Files files;
  files.add("Ġ", "t");
  const ByteLevelBpe bpe = files.load();
  const std::string text = "to the end \n\t 漢字 😀";
  EXPECT_EQ(bpe.decode(encode(bpe, text)), text);
  EXPECT_EQ(bpe.decode(TokenIds{0xC3}), "\xEF\xBF\xBD");
  expect_error([&] { bpe.decode(TokenIds{257}); }, ExitCode::kUsage, {"below", "257"});
}

TEST(ByteLevelBpe, MissingOrMalformedFilesAreNamed) {
  Files files;
  const auto vocab = files.folder.write("v.json", files.vocab.dump());
  const auto merges = files.folder.write("m.txt", files.merges);
  const auto missing = files.folder.path() / "none";
  expect_error([&] { ByteLevelBpe(missing, merges); }, ExitCode::kUsage, {missing.string()});
  expect_error([&] { ByteLevelBpe(vocab, missing); }, ExitCode::kUsage, {missing.string()});
  const auto broken = files.folder.write("b.json", "{\"a\": 0,\n");
  expect_error([&] { ByteLevelBpe(broken, merges); }, ExitCode::kUsage,
               {broken.string(), "line 2"});
  const auto list = files.folder.write("l.json", "[1]");
  expect_error([&] { ByteLevelBpe(list, merges); }, ExitCode::kUsage, {"object", "array"});
}

TEST(ByteLevelBpe, VocabulariesThatDoNotFitAreRefused) {
  {
    Files files;
    files.vocab["gap"] = 300;
    files.expect_load_error({"vocab.json", "\"gap\"", "0..256", "300"});
  }
  {
    Files files;
    files.vocab["twice"] = 0;
    files.expect_load_error({"\"twice\"", "found 0"});
  }
  {
    Files files;
    files.vocab["word"] = "x";
    files.expect_load_error({"\"word\"", "\"x\""});
  }
  {
    Files files;
    files.vocab["minus"] = -1;
    files.expect_load_error({"\"minus\"", "-1"});
  }
  {
    Files files;
    files.vocab.erase("A");
    files.vocab["AA"] = 65;
    files.expect_load_error({"byte 65", "\"A\""});
  }
  {
    Files files;
    for (int i = 0; i < 65536 - 256; ++i)
      files.vocab[concat("<", i, ">")] = 256 + i;  // special tokens need no merge
    EXPECT_EQ(files.load().vocab_size(), 65536);
    files.vocab["one more"] = 65536;
    files.expect_load_error({"65,536", "65537"});
  }
}

TEST(ByteLevelBpe, MergesThatDoNotFitAreRefused) {
  const auto refused = [](const std::string& line, const std::vector<std::string>& parts) {
    Files files;
    files.add("a", "b");
    files.merges += line;
    files.expect_load_error(parts);
  };
  refused("ab\n", {"merges.txt", "line 3", "'ab'"});
  refused("a b c\n", {"line 3", "'a b c'"});
  refused(" b\n", {"line 3"});
  refused("\n\n", {"line 3", "''"});
  refused("b a\n", {"line 3", "no 'ba'"});
  refused("zz a\n", {"line 3", "no 'zz'"});
  refused("a b\n", {"line 3", "again"});
}

TEST(ByteLevelBpe, WhatEditorsAddToMergesIsNoMerge) {
  Files files;
  files.add("a", "b");
  files.merges = "\xef\xbb\xbf" + files.merges + "\n";
  EXPECT_EQ(files.load().vocab_size(), 257);
}

TEST(ByteLevelBpe, MergesCutShortAtALinesEndAreRefused) {
  Files files;
  files.vocab["xy"] = files.vocab.size();
  files.expect_load_error({"merges.txt", "'xy'", "cut short"});
  files.merges += "x y\n";
  EXPECT_EQ(files.load().vocab_size(), 257);
}

TEST(ByteLevelBpe, FilesWithWindowsLineEndsAndWithoutVersionLoad) {
  Files files;
  files.add("a", "b");
  files.merges = "a b\r\n";
  EXPECT_EQ(encode(files.load(), "ab"), TokenIds{256});
}

TEST(ByteLevelBpe, FingerprintFollowsContentOnly) {
  const TemporaryFolder folder;
  const auto a = folder.write("a", "1"), b = folder.write("b", "1"), c = folder.write("c", "2");
  const auto fingerprint = [](const auto& vocab, const auto& merges) {
    return tokenizer_fingerprint({vocab, merges, ""});
  };
  EXPECT_EQ(fingerprint(a, a), fingerprint(b, b));
  EXPECT_NE(fingerprint(a, c), fingerprint(a, a));
  EXPECT_NE(fingerprint(a, c), fingerprint(c, a));
  EXPECT_EQ(tokenizer_fingerprint({"", "", a}), tokenizer_fingerprint({"", "", b}));
  EXPECT_NE(tokenizer_fingerprint({"", "", a}), tokenizer_fingerprint({"", "", c}));
}

}  // namespace
}  // namespace dtbench
