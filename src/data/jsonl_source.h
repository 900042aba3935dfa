// Documents from a local JSON-lines file, plain or gzip (told by content), read as a stream.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/document_source.h"

namespace dtbench {

struct JsonlFields {
  std::string text;    // a string
  std::string labels;  // a string, an integer or a list of either; "": labels are not read
  std::string split;   // "train" | "validation" | "dev" | "val" | "test"; when the first record
                       // lacks the field none may have it, and every 20th record is validation
};

// Blank lines are skipped. Ill-formed UTF-8 is repaired (data/utf8.h) and the lines counted.
// Throws Error (usage) naming file:line, field, what was expected and what came: a missing file, a
// gzip stream that ends early or is damaged, a line that is not a JSON object, a field that is
// missing or of another type, a file without records.
class JsonlSource : public DocumentSource {
 public:
  JsonlSource(const std::filesystem::path& path, JsonlFields fields);
  ~JsonlSource() override;
  bool next(SourceDocument& document) override;
  double progress() const override;
  std::int64_t repaired_lines() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dtbench
