#include <memory>

#include "base/utf8.h"
#include "data/jsonl_source.h"
#include "data/label_form.h"
#include "fuzz/harness.h"

namespace dtbench {

// The first byte chooses the form of the labels, "0" to "3", and "4" reads none; the rest is the
// file, plain or gzip.
void fuzz_jsonl(std::string_view bytes) {
  const unsigned choice = bytes.empty() ? 0 : (static_cast<unsigned char>(bytes[0]) - '0') & 7u;
  const auto form = static_cast<LabelForm>(choice & 3u);
  const auto path = scratch_file("jsonl", "data.jsonl", bytes.empty() ? bytes : bytes.substr(1));
  const auto source =
      with_label_form(std::make_unique<JsonlSource>(
                          path, SourceFields{.with_labels = choice < 4, .label_form = form}),
                      form);
  SourceDocument document;
  while (source->next(document)) {
    require(is_valid_utf8(document.text), "text is UTF-8");
    require(document.text.size() <= kLongestDocument, "text is of bounded length");
    require(source->progress() >= 0 && source->progress() <= 1, "progress is a share");
  }
  source->label_list();
}

}  // namespace dtbench
