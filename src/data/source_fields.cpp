#include "data/source_fields.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

using Names = std::vector<std::string>;

constexpr std::array kSplitWords = {std::pair{"train", SourceSplit::kTrain},
                                    std::pair{"training", SourceSplit::kTrain},
                                    std::pair{"validation", SourceSplit::kValidation},
                                    std::pair{"valid", SourceSplit::kValidation},
                                    std::pair{"val", SourceSplit::kValidation},
                                    std::pair{"dev", SourceSplit::kValidation},
                                    std::pair{"test", SourceSplit::kTest},
                                    std::pair{"testing", SourceSplit::kTest},
                                    std::pair{"eval", SourceSplit::kTest},
                                    std::pair{"evaluation", SourceSplit::kTest}};

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
  if (!asked.split.empty() && asked.split != kNoSplitField)
    require_field(asked.split, {}, present, "data.split_field", origin);
  return fields;
}

const char* to_string(SourceSplit split) {
  constexpr std::array kNames = {"train", "validation", "test"};
  return kNames.at(static_cast<std::size_t>(split));
}

std::optional<SourceSplit> split_named(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const auto& [known, split] : kSplitWords)
    if (lower == known) return split;
  return std::nullopt;
}

std::vector<std::string> split_words() {
  std::vector<std::string> words;
  for (const auto& [word, split] : kSplitWords)
    words.emplace_back(word);
  return words;
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
