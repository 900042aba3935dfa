#include "data/source_fields.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
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

std::string require_field(const std::string& asked, const Names& known,
                          const PresentFields& present, const char* setting,
                          const std::string& origin) {
  const Names names = asked.empty() ? known : Names{asked};
  const auto found = std::find_if(names.begin(), names.end(), present.has);
  if (found != names.end()) return *found;
  throw usage_error(concat(origin, ": expected a field '", join(names, "' or '"), "' (", setting,
                           "), found none. ", suggestion(names.front(), present.names())),
                    concat("Set ", setting, " to one of the file's fields."));
}

}  // namespace

SourceFields locate_fields(const SourceFields& asked, const PresentFields& present,
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

bool may_tell_split(std::string_view name) {
  const std::string lower = lower_case(name);
  constexpr std::array kWords = {"split", "partition", "subset", "fold"};
  return lower == "set" || std::any_of(kWords.begin(), kWords.end(), [&](const char* word) {
           return lower.find(word) != std::string::npos;
         });
}

const char* to_string(SourceSplit split) {
  constexpr std::array kNames = {"train", "validation", "test"};
  return kNames.at(static_cast<std::size_t>(split));
}

std::optional<SourceSplit> split_named(std::string_view word) {
  const std::string lower = lower_case(word);
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
