// Where documents come from, before tokenization.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dtbench {

// The test split is read, so that its labels are known and its documents counted, but never stored.
enum class SourceSplit { kTrain, kValidation, kTest };

struct SourceDocument {
  std::optional<SourceSplit> split;  // none: the source does not say
  std::string text;                  // UTF-8; "" where the source has none
  std::vector<std::string> labels;   // ids as the source has them, repetitions too
  std::size_t null_labels = 0;       // in a list of labels, which does not hold them
};

// Bounds on what a file may hold, so that preparing it stays within the memory that docs/data.md
// promises: tokenizing takes up to 28 bytes for each of a document, and two may be in a batch.
inline constexpr std::size_t kLongestLine = std::size_t{16} << 20;
inline constexpr std::size_t kLongestDocument = std::size_t{4} << 20;

inline constexpr std::size_t kMostNotes = 10;

// What the record should count besides.
struct SourceCounts {
  std::int64_t repaired_lines = 0;   // of ill-formed UTF-8 (base/utf8.h) or a lone surrogate
  std::int64_t unscored_labels = 0;  // left out, since the data set does not score them
  std::int64_t undecided = 0;        // no split was told: every 20th is validation
  std::vector<std::string> notes{};  // lines that were said of what was guessed, the first ones

  SourceCounts& operator+=(const SourceCounts& other) {
    repaired_lines += other.repaired_lines;
    unscored_labels += other.unscored_labels;
    undecided += other.undecided;
    for (const std::string& note : other.notes)
      if (notes.size() < kMostNotes) notes.push_back(note);
    return *this;
  }
};

class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  // The next document in order; false at the end. Throws Error for malformed input.
  virtual bool next(SourceDocument& document) = 0;
  // The share read so far, in 0..1.
  virtual double progress() const = 0;
  // Labels that exist whether a document has them or not.
  virtual std::vector<std::string> label_list() { return {}; }
  virtual SourceCounts counts() const { return {}; }
  // Where the last document stands, for messages: file and line or row.
  virtual std::string place() const { return ""; }
};

}  // namespace dtbench
