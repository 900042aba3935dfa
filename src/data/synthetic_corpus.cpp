#include "data/synthetic_corpus.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/philox.h"
#include "base/text.h"

namespace dtbench {
namespace {

// The corpus has a seed of its own: a run's seed never changes its data.
constexpr PhiloxKey kKey{1, stream::kSyntheticCorpus};
constexpr std::uint32_t kTopicRound = 0xFFFFFFFF;  // documents use their index as the round

constexpr std::size_t kTopicWords = 24;
constexpr std::size_t kContentWords = 4096;
constexpr std::uint64_t kLabelOffset = 8;

constexpr std::array<const char*, 32> kFunctionWords = {
    "ta",  "el",  "no", "uri", "se",  "ka", "im",  "lo",  "ane", "ved", "du",
    "or",  "shi", "pe", "az",  "tul", "mo", "ne",  "gar", "iv",  "bo",  "sul",
    "eth", "ri",  "om", "dal", "che", "yu", "fen", "ok",  "wa",  "zir"};

// A content word's first four letters, two syllables of consonant and vowel, tell it apart.
std::string content_word(std::size_t index) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvzhj";
  constexpr std::string_view kVowels = "aeio";
  constexpr std::array<const char*, 12> kEndings = {"",   "n",   "r",    "s",   "l",   "ma",
                                                    "ri", "ton", "vend", "sur", "nal", "ked"};
  // An odd multiplier permutes the indices, so that neighbours do not look alike.
  const std::size_t mixed = index * 2731 % kContentWords;
  std::string word;
  for (const std::size_t syllable : {mixed / 64, mixed % 64}) {
    word += kConsonants[syllable / 4];
    word += kVowels[syllable % 4];
  }
  return word + kEndings.at(index * 7 % kEndings.size());
}

}  // namespace

ZipfSampler::ZipfSampler(std::size_t size, std::uint64_t offset) {
  std::uint64_t sum = 0;
  for (std::size_t rank = 1; rank <= size; ++rank)
    cumulative_.push_back(sum += (std::uint64_t{1} << 32) / (rank + offset));
}

std::size_t ZipfSampler::at(std::uint64_t uniform) const {
  return static_cast<std::size_t>(
      std::upper_bound(cumulative_.begin(), cumulative_.end(), uniform) - cumulative_.begin());
}

// Writes one document, with the document's own sequence of draws.
class SyntheticCorpus::Writer {
 public:
  Writer(const SyntheticCorpus& corpus, std::int64_t index)
      : corpus_(corpus), draws_(kKey, static_cast<std::uint32_t>(index)) {
    document_.split = index % 10 == 9 ? SourceSplit::kValidation : SourceSplit::kTrain;
  }

  SourceDocument write() {
    draw_labels();
    title();
    const std::uint64_t sentences = between(30, 50);
    for (std::uint64_t i = 0; i < sentences; ++i) {
      if (i % 5 == 0) document_.text += '\n';
      sentence();
    }
    for (const std::size_t label : labels_)
      document_.labels.push_back(std::to_string(label));
    return std::move(document_);
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return draws_.draw(next_draw_++, bound); }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  std::size_t draw(const ZipfSampler& sampler) { return sampler.at(below(sampler.total())); }

  void draw_labels() {
    const std::size_t available = corpus_.topic_words_.size() / kTopicWords;
    const std::size_t count =
        std::min<std::size_t>(between(3, 7), std::max<std::size_t>(1, available / 2));
    while (labels_.size() < count) {
      const std::size_t label = draw(corpus_.label_profile_);
      if (std::find(labels_.begin(), labels_.end(), label) == labels_.end())
        labels_.push_back(label);
    }
  }

  void word(std::string_view text) {
    if (!document_.text.empty() && document_.text.back() != '\n') document_.text += ' ';
    document_.text += text;
  }
  void function_word() { word(kFunctionWords.at(draw(corpus_.function_profile_))); }
  void topic_word(std::size_t label, std::size_t rank) {
    word(content_word(corpus_.topic_words_[label * kTopicWords + rank % kTopicWords]));
  }

  // Two words of every label's topic: the first tokens of a document tell its labels.
  void title() {
    for (const std::size_t label : labels_) {
      function_word();
      const std::size_t rank = draw(corpus_.topic_profile_);
      topic_word(label, rank);
      topic_word(label, rank + 1);
    }
    document_.text += '.';
  }

  void sentence() {
    const std::size_t label = labels_[below(labels_.size())];
    const std::uint64_t words = between(6, 14);
    for (std::uint64_t i = 0; i < words; ++i) {
      const std::uint64_t kind = below(100);
      if (kind < 40) {
        function_word();
      } else if (kind < 60) {
        topic_word(label, draw(corpus_.topic_profile_));
      } else if (kind < 80) {
        const std::size_t rank = draw(corpus_.topic_profile_);
        topic_word(label, rank);
        topic_word(label, rank + 1);
      } else {
        word(content_word(draw(corpus_.general_profile_)));
      }
      if (i + 2 < words && below(12) == 0) document_.text += ',';
    }
    document_.text += '.';
  }

  const SyntheticCorpus& corpus_;
  PhiloxIndexStream draws_;
  std::uint64_t next_draw_ = 0;
  std::vector<std::size_t> labels_;
  SourceDocument document_;
};

SyntheticCorpus::SyntheticCorpus(std::int64_t labels)
    : label_profile_(
          static_cast<std::size_t>(std::clamp<std::int64_t>(labels, 1, kMaxSyntheticLabels)),
          kLabelOffset),
      topic_profile_(kTopicWords, 2),
      function_profile_(kFunctionWords.size(), 1),
      general_profile_(kContentWords, 4) {
  if (labels < 1 || labels > kMaxSyntheticLabels)
    throw usage_error(
        concat("data.synthetic_labels must be in 1..", kMaxSyntheticLabels, ", got ", labels, "."),
        concat("--set data.synthetic_labels=", labels < 1 ? 1 : kMaxSyntheticLabels));
  const PhiloxIndexStream draws(kKey, kTopicRound);
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(labels) * kTopicWords; ++i)
    topic_words_.push_back(static_cast<std::uint16_t>(draws.draw(i, kContentWords)));
}

SourceDocument SyntheticCorpus::document(std::int64_t index) const {
  return Writer(*this, index).write();
}

SyntheticSource::SyntheticSource(std::int64_t documents, std::int64_t labels)
    : corpus_(labels), documents_(documents), labels_(labels) {
  if (documents < 10)
    throw usage_error(
        concat("data.synthetic_documents must be at least 10, so that one of them is ",
               "validation, got ", documents, "."),
        "--set data.synthetic_documents=10");
}

bool SyntheticSource::next(SourceDocument& document) {
  if (index_ == documents_) return false;
  document = corpus_.document(index_++);
  return true;
}

double SyntheticSource::progress() const {
  return static_cast<double>(index_) / static_cast<double>(documents_);
}

std::vector<std::string> SyntheticSource::label_list() {
  std::vector<std::string> labels;
  for (std::int64_t label = 0; label < labels_; ++label)
    labels.push_back(std::to_string(label));
  return labels;
}

}  // namespace dtbench
