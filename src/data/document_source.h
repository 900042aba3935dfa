// Where documents come from, before tokenization.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dtbench {

// The test split is read, so that its labels are known and its documents counted, but never stored.
enum class SourceSplit { kTrain, kValidation, kTest };

struct SourceDocument {
  SourceSplit split = SourceSplit::kTrain;
  std::string text;                 // UTF-8
  std::vector<std::string> labels;  // ids as the source has them, repetitions too
};

class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  // The next document in order; false at the end. Throws Error for malformed input.
  virtual bool next(SourceDocument& document) = 0;
  // The share read so far, in 0..1.
  virtual double progress() const = 0;
  // Labels that exist whether a document has them or not.
  virtual std::vector<std::string> label_list() const { return {}; }
  // What else the record should count.
  virtual std::int64_t repaired_lines() const { return 0; }
};

}  // namespace dtbench
