#include "data/source_fields.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

using Names = std::vector<std::string>;

// The first of `names` that is there, else "".
std::string first_of(const Names& names, const Names& present) {
  for (const std::string& name : names)
    if (std::find(present.begin(), present.end(), name) != present.end()) return name;
  return "";
}

std::string require_field(const std::string& asked, const Names& known, const Names& present,
                          const char* setting, const std::string& origin) {
  const Names names = asked.empty() ? known : Names{asked};
  const std::string found = first_of(names, present);
  if (!found.empty()) return found;
  throw usage_error(concat(origin, ": expected a field '", join(names, "' or '"), "' (", setting,
                           "), found none. ", suggestion(names.front(), present)),
                    concat("Set ", setting, " to one of the file's fields."));
}

}  // namespace

SourceFields locate_fields(const SourceFields& asked, const Names& present,
                           const std::string& origin) {
  SourceFields fields = asked;
  fields.text = require_field(asked.text, {"text"}, present, "data.text_field", origin);
  fields.labels = asked.with_labels ? require_field(asked.labels, {"labels", "eurovoc_concepts"},
                                                    present, "data.label_field", origin)
                                    : "";
  fields.split = asked.split.empty()
                     ? first_of({kSplitFields.begin(), kSplitFields.end()}, present)
                     : require_field(asked.split, {}, present, "data.split_field", origin);
  return fields;
}

const char* to_string(SourceSplit split) {
  constexpr std::array kNames = {"train", "validation", "test"};
  return kNames.at(static_cast<std::size_t>(split));
}

std::optional<SourceSplit> split_named(std::string_view name) {
  if (name == "train") return SourceSplit::kTrain;
  if (name == "validation" || name == "dev" || name == "val") return SourceSplit::kValidation;
  if (name == "test") return SourceSplit::kTest;
  return std::nullopt;
}

std::size_t scored_labels(const Names& present, const Names& class_names) {
  constexpr std::size_t kConcepts = 127, kScored = 100;
  Names fields = present;
  std::sort(fields.begin(), fields.end());
  const bool lex_glue = fields == Names{"labels", "text"} && class_names.size() == kConcepts &&
                        class_names.front() == "100163" && class_names.back() == "100289";
  return lex_glue ? kScored : class_names.size();
}

}  // namespace dtbench
