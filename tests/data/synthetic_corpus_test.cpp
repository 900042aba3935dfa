#include "data/synthetic_corpus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/sha256.h"

namespace dtbench {
namespace {

// A change of any document must raise kSyntheticCorpusVersion, and this hash with it.
TEST(SyntheticCorpus, IsPinned) {
  Sha256 hash;
  for (const std::int64_t labels : {1, 32, 4271}) {
    const SyntheticCorpus corpus(labels);
    for (const std::int64_t index : {0, 1, 9, 123456789})
      hash.update(corpus.document(index).text);
  }
  EXPECT_EQ(kSyntheticCorpusVersion, 1);
  EXPECT_EQ(hash.hex_digest(), "4f7510ffa3fa4e1be7f1305d4def399b57c3c3157132b89430286a0c8d4765ff");
}

TEST(SyntheticCorpus, DocumentsAreFunctionsOfTheirIndex) {
  SyntheticSource source(30, 32);
  const SyntheticCorpus corpus(32);
  SourceDocument document;
  for (std::int64_t i = 0; i < 30; ++i) {
    ASSERT_TRUE(source.next(document));
    EXPECT_EQ(document.text, corpus.document(i).text);
    EXPECT_EQ(document.labels, corpus.document(i).labels);
    EXPECT_EQ(document.split, i % 10 == 9 ? SourceSplit::kValidation : SourceSplit::kTrain);
  }
  EXPECT_FALSE(source.next(document));
  EXPECT_EQ(source.label_list().size(), 32u);
}

TEST(SyntheticCorpus, HasAboutFiveDistinctLabelsADocument) {
  const SyntheticCorpus corpus(4271);
  double total = 0;
  for (std::int64_t i = 0; i < 2000; ++i) {
    const auto labels = corpus.document(i).labels;
    EXPECT_EQ(std::set(labels.begin(), labels.end()).size(), labels.size());
    EXPECT_GE(labels.size(), 3u);
    EXPECT_LE(labels.size(), 7u);
    total += static_cast<double>(labels.size());
  }
  // Uniform on 3..7: variance 2, so 5 standard errors of the mean are 5 sqrt(2 / 2000).
  EXPECT_NEAR(total / 2000, 5, 5 * std::sqrt(2.0 / 2000));
}

TEST(SyntheticCorpus, LabelsHaveEurlexFrequencies) {
  // EURLEX57K: 746 of 4,271 labels occur more than 50 times in 45,000 training documents.
  const ZipfSampler profile(4271, 8);
  const auto count = [&](std::uint64_t rank) {  // expected occurrences of 45,000 x 5.07 draws
    return 45000 * 5.07 * std::floor(0x1p32 / (static_cast<double>(rank) + 8)) /
           static_cast<double>(profile.total());
  };
  int frequent = 0;
  for (std::uint64_t rank = 1; rank <= 4271; ++rank)
    frequent += count(rank) > 50;
  EXPECT_NEAR(frequent, 746, 0.05 * 746);
}

TEST(SyntheticCorpus, WordsAreZipfian) {
  std::map<std::string, int> counts;
  const SyntheticCorpus corpus(32);
  for (std::int64_t i = 0; i < 300; ++i) {
    std::string word;
    for (const char c : corpus.document(i).text) {
      if (c >= 'a' && c <= 'z') {
        word += c;
      } else if (!word.empty()) {
        ++counts[word];
        word.clear();
        EXPECT_TRUE(c == ' ' || c == ',' || c == '.') << c;
      }
    }
  }
  std::vector<int> sorted;
  for (const auto& [word, count] : counts)
    sorted.push_back(count);
  std::sort(sorted.rbegin(), sorted.rend());
  ASSERT_GT(sorted.size(), 3000u);
  // Log-frequency falls by about one per unit of log-rank, from rank 4 to rank 2,048.
  const double slope =
      std::log(static_cast<double>(sorted[3]) / sorted[2047]) / std::log(2048.0 / 4);
  EXPECT_NEAR(slope, 1, 0.3);
}

TEST(SyntheticCorpus, TheFirstWordsTellTheLabels) {
  // A naive Bayes classifier over the first 25 words, trained on 3,000 documents, ranks a
  // document's true labels far above chance.
  constexpr int kLabels = 32;
  const SyntheticCorpus corpus(kLabels);
  const auto first_words = [](const std::string& text) {
    std::vector<std::string> words(1);
    for (const char c : text) {
      if (c >= 'a' && c <= 'z')
        words.back() += c;
      else if (!words.back().empty())
        words.emplace_back();
      if (words.size() > 25) break;
    }
    words.pop_back();
    return words;
  };
  std::map<std::string, std::array<double, kLabels>> with_label;
  std::array<double, kLabels> documents{};
  std::map<std::string, double> in_any;
  constexpr int kTraining = 3000;
  for (int i = 0; i < kTraining; ++i) {
    const SourceDocument document = corpus.document(i);
    for (const std::string& label : document.labels)
      ++documents.at(std::stoul(label));
    const auto list = first_words(document.text);
    for (const std::string& word : std::set(list.begin(), list.end())) {
      ++in_any[word];
      for (const std::string& label : document.labels)
        ++with_label[word].at(std::stoul(label));
    }
  }
  int right = 0, total = 0;
  for (int i = kTraining; i < kTraining + 300; ++i) {
    const SourceDocument document = corpus.document(i);
    std::vector<std::pair<double, std::string>> scores;
    const auto list = first_words(document.text);
    for (std::size_t label = 0; label < kLabels; ++label) {
      double score = std::log(documents[label] / (kTraining - documents[label]));
      for (const std::string& word : std::set(list.begin(), list.end())) {
        const double present = with_label[word][label] + 0.5;
        const double absent = in_any[word] - with_label[word][label] + 0.5;
        score += std::log(present / (documents[label] + 1)) -
                 std::log(absent / (kTraining - documents[label] + 1));
      }
      scores.emplace_back(score, std::to_string(label));
    }
    std::sort(scores.rbegin(), scores.rend());
    for (std::size_t k = 0; k < document.labels.size(); ++k) {
      ++total;
      right += std::count(document.labels.begin(), document.labels.end(), scores[k].second) > 0;
    }
  }
  EXPECT_GT(static_cast<double>(right) / total, 0.8);  // always the most frequent: about 0.33
}

TEST(SyntheticCorpus, RefusesSizesOutOfRange) {
  EXPECT_THROW(SyntheticCorpus(0), Error);
  EXPECT_THROW(SyntheticCorpus(4272), Error);
  EXPECT_THROW(SyntheticSource(9, 32), Error);
  EXPECT_EQ(SyntheticCorpus(1).document(0).labels, std::vector<std::string>{"0"});
}

}  // namespace
}  // namespace dtbench
