// The fuzzers' harnesses without a fuzzer: the corpora, which hold a reproducer of every fault that
// was found, and the same mutations of them each time. What searches for more is scripts/fuzz.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "base/error.h"
#include "base/read_file.h"
#include "fuzz/harness.h"
#include "source_folder.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr int kMutations = 200;  // of each file: seconds for all

struct Sample {
  std::string name, bytes;
};

std::vector<Sample> corpus(const std::string& harness) {
  std::vector<Sample> samples;
  for (const auto& entry : fs::directory_iterator(source_folder() / "tests/fuzz/corpus" / harness))
    samples.push_back({entry.path().filename().string(), read_file(entry.path()).value()});
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return samples;
}

// Changes bytes as fuzzers do: one to four times something else, missing, twice or of another file.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : draw_(seed) {}

  std::string mutated(std::string bytes, const std::string& other) {
    for (std::size_t changes = 1 + below(4); changes > 0; --changes)
      change(bytes, other);
    return bytes;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : draw_() % end; }

  void change(std::string& bytes, const std::string& other) {
    static const std::vector<std::string> kWords = {"-1",
                                                    "1e300",
                                                    "9223372036854775807",
                                                    "18446744073709551615",
                                                    "null",
                                                    "\"\"",
                                                    "[[[[",
                                                    "{}",
                                                    "\\u0000",
                                                    "\\ud800",
                                                    "\xff",
                                                    "\n",
                                                    "\n%%\n",
                                                    "\"",
                                                    "1.5",
                                                    std::string(1, '\0')};
    const std::size_t at = below(bytes.size()), length = 1 + below(8);
    const std::size_t from = below(other.size());
    switch (below(6)) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(below(bytes.size()), length * length));
        break;
      case 3:
        bytes.replace(at, std::min(length, bytes.size() - at), kWords[below(kWords.size())]);
        break;
      case 4:
        bytes.replace(at, std::min(length * length, bytes.size() - at),
                      other.substr(from, length * length));
        break;
      default:
        bytes.resize(at);
    }
  }

  std::mt19937_64 draw_;
};

class Fuzz : public testing::TestWithParam<Harness> {};

TEST_P(Fuzz, CorpusLetsNothingEscape) {
  const std::vector<Sample> samples = corpus(GetParam().name);
  ASSERT_FALSE(samples.empty());
  for (const Sample& sample : samples)
    EXPECT_EQ(fault_of(GetParam().read, sample.bytes), std::nullopt) << sample.name;
}

// Otherwise a harness would test how its reader refuses, and nothing behind that.
TEST_P(Fuzz, GoodFilesAreRead) {
  int good = 0;
  for (const Sample& sample : corpus(GetParam().name)) {
    if (!sample.name.starts_with("good")) continue;
    ++good;
    EXPECT_NO_THROW(GetParam().read(sample.bytes)) << sample.name;
  }
  EXPECT_GT(good, 0);
}

TEST_P(Fuzz, MutationsLetNothingEscape) {
  const std::vector<Sample> samples = corpus(GetParam().name);
  Mutator mutator(2026);
  for (std::size_t i = 0; i < samples.size(); ++i)
    for (int k = 0; k < kMutations; ++k) {
      const std::string& other = samples[(i + static_cast<std::size_t>(k)) % samples.size()].bytes;
      const std::string bytes = mutator.mutated(samples[i].bytes, other);
      const auto fault = fault_of(GetParam().read, bytes);
      ASSERT_EQ(fault, std::nullopt) << samples[i].name << ", mutation " << k << ":\n" << bytes;
    }
}

INSTANTIATE_TEST_SUITE_P(Readers, Fuzz, testing::ValuesIn(harnesses().begin(), harnesses().end()),
                         [](const auto& harness) { return std::string(harness.param.name); });

TEST(Harness, WhatIsNoErrorIsAFault) {
  const auto fails = [](std::string_view) { throw std::out_of_range("escaped"); };
  const auto refuses = [](std::string_view) { throw usage_error("refused"); };
  const auto returns = [](std::string_view) {};
  EXPECT_EQ(fault_of(fails, ""), "escaped");
  EXPECT_EQ(fault_of(refuses, ""), std::nullopt);
  EXPECT_EQ(fault_of(returns, ""), std::nullopt);
  EXPECT_EQ(fault_of([](std::string_view) { require(false, "broken"); }, ""), "broken");
}

TEST(Harness, PartsAreBetweenMarks) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(parts_of("a\n%%\nb", 2), (Parts{"a", "b"}));
  EXPECT_EQ(parts_of("a\n%%\nb\n%%\nc", 2), (Parts{"a", "b\n%%\nc"}));
  EXPECT_EQ(parts_of("a", 3), (Parts{"a", "", ""}));
  EXPECT_EQ(parts_of("\n%%\nb", 2), (Parts{"", "b"}));
}

TEST(Harness, MutationsAreManyAndRepeatable) {
  Mutator one(1), same(1);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string bytes = one.mutated("a file's bytes", "another's");
    EXPECT_EQ(bytes, same.mutated("a file's bytes", "another's"));
    equal += bytes == "a file's bytes";
  }
  EXPECT_LT(equal, 10);
}

}  // namespace
}  // namespace dtbench
