// Documents from a local JSON-lines file, plain or gzip (told by content), read as a stream.
#pragma once

#include <filesystem>
#include <memory>

#include "data/document_source.h"
#include "data/source_fields.h"

namespace dtbench {

// Of the fields (data/source_fields.h, looked for in the first record) text is a string (null: ""),
// labels a string, an integer or a list of either, split a string that names one. A dot leads into
// an object: "text.en" is {"text": {"en": ...}}.
// Blank lines are skipped. Ill-formed UTF-8 is repaired (data/utf8.h) and the lines counted.
// Throws Error (usage) naming file:line, field, what was expected and what came: a missing file, a
// gzip stream that ends early or is damaged, a line that is not a JSON object, a field that is
// missing or of another type, a split field in some records only, a file without records.
class JsonlSource : public DocumentSource {
 public:
  JsonlSource(const std::filesystem::path& path, SourceFields fields);
  ~JsonlSource() override;
  bool next(SourceDocument& document) override;
  double progress() const override;
  SourceCounts counts() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dtbench
