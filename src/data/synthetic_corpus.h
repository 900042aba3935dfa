// The generated corpus: deterministic text that resembles legal acts closely enough for models to
// learn from, for trials without any download. It is not language; records say "synthetic".
//
// Words are pseudo-words of Zipfian frequency. Each label has a topic, a Zipfian distribution over
// 24 content words (labelled LDA: Ramage et al. 2009). A document draws 3 to 7 labels, opens with a
// title that has two words of each label's topic, and goes on in sentences that each follow one of
// its labels, mixed with function words and general words. Some topic words come in fixed
// succession, so that a language model has more than frequencies to learn.
//
// Labels have EUR-Lex's frequency profile: Zipf-Mandelbrot weights 1 / (rank + 8) make 720 of 4,271
// labels occur more than 50 times in 45,000 documents of five labels each; EURLEX57K has 746
// (Chalkidis et al. 2019, arXiv 1906.02192).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/document_source.h"

namespace dtbench {

// Raised whenever the text of any document changes; a part of the store's fingerprint.
inline constexpr int kSyntheticCorpusVersion = 1;
inline constexpr std::int64_t kMaxSyntheticLabels = 4271;

// Draws 0..size-1 with probability proportional to floor(2^32 / (rank + offset)), rank from 1:
// integers throughout, so that every machine draws the same.
class ZipfSampler {
 public:
  ZipfSampler(std::size_t size, std::uint64_t offset);
  std::uint64_t total() const { return cumulative_.back(); }
  std::size_t at(std::uint64_t uniform) const;  // uniform in 0..total()-1

 private:
  std::vector<std::uint64_t> cumulative_;
};

// Documents are pure functions of (label count, index). Every tenth is validation.
class SyntheticCorpus {
 public:
  // Throws Error (usage) unless 1 <= labels <= 4,271.
  explicit SyntheticCorpus(std::int64_t labels);
  SourceDocument document(std::int64_t index) const;

 private:
  class Writer;
  std::vector<std::uint16_t> topic_words_;  // [labels, 24] content words, most frequent first
  ZipfSampler label_profile_, topic_profile_, function_profile_, general_profile_;
};

class SyntheticSource : public DocumentSource {
 public:
  // Throws Error (usage) unless there are at least 10 documents, so that one is validation.
  SyntheticSource(std::int64_t documents, std::int64_t labels);
  bool next(SourceDocument& document) override;
  double progress() const override;
  std::vector<std::string> label_list() override;

 private:
  SyntheticCorpus corpus_;
  std::int64_t documents_, labels_, index_ = 0;
};

}  // namespace dtbench
