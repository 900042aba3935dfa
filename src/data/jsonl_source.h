// Documents from a local JSON-lines file, plain or gzip (told by content), read as a stream.
#pragma once

#include <filesystem>
#include <memory>

#include "data/document_source.h"
#include "data/source_fields.h"

namespace dtbench {

// Of the fields (data/source_fields.h, looked for in the first record) text is a string (null: ""),
// labels a string, an integer or a list of either (null: none), split a string that names one
// (data/split_field.h). A dot leads into an object: "text.en" is {"text": {"en": ...}}.
// Blank lines are skipped. Ill-formed UTF-8 (base/utf8.h) and lone surrogates become U+FFFD, and
// the lines are counted. Throws Error (usage) naming file:line, field, what was expected and what
// came: a missing file, a gzip stream that ends early or is damaged, a line that is not a JSON
// object, or is longer, deeper or of more values than the bounds, a field that is missing or of
// another type, a split field in some records only, a file without records, a Git LFS pointer.
class JsonlSource : public DocumentSource {
 public:
  JsonlSource(const std::filesystem::path& path, SourceFields fields);
  ~JsonlSource() override;
  bool next(SourceDocument& document) override;
  double progress() const override;
  SourceCounts counts() const override;
  std::string place() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dtbench
