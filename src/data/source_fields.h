// Which fields of a data set hold a document's text, labels and split.
//
// Known by their names, so that nothing need be set:
//   OpenWebText                 text
//   LexGLUE eurlex              text, labels (class labels)
//   MultiEURLEX, one language   celex_id, text, labels (class labels)
//   EURLEX57K                   celex_id, title, text, eurovoc_concepts
// The original JSON lines of LexGLUE have their split in data_type. Those of MultiEURLEX hold every
// language and level; text.en and eurovoc_concepts.level_2 choose.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/document_source.h"
#include "data/label_form.h"

namespace dtbench {

inline constexpr std::array kSplitFields = {"split", "data_type"};
// A value of data.split_field: no field names the split.
inline constexpr const char* kNoSplitField = "none";

struct SourceFields {
  std::string text{};       // "": "text"
  std::string labels{};     // "": "labels" or else "eurovoc_concepts"
  std::string split{};      // "": one of kSplitFields; kNoSplitField: none
  bool with_labels = true;  // language models read none
  LabelForm label_form = LabelForm::kUnset;
};

// What a file has. The names are for messages, made when one is needed: a hostile record may have
// very many.
struct PresentFields {
  std::function<bool(const std::string& name)> has;
  std::function<std::vector<std::string>()> names;
};

// The fields of a file; text and, where they are asked for, labels have a name then. Throws Error
// (usage), which names `origin` and what is there, for a field that is missing.
SourceFields locate_fields(const SourceFields& asked, const PresentFields& present,
                           const std::string& origin);

// Whether a field's name says that it tells the split, in the words of other data sets: "Split",
// "partition", "subset", "fold", "set".
bool may_tell_split(std::string_view name);

const char* to_string(SourceSplit split);  // "train", "validation", "test"

// The split that a word names, in a split field or in the name of a file, whatever its case: those
// that Hugging Face `datasets` knows (data_files.py).
std::optional<SourceSplit> split_named(std::string_view word);
std::vector<std::string> split_words();  // in lower case
inline constexpr const char* kSplitNames =
    "\"train\" (or \"training\"), \"validation\" (\"valid\", \"val\", \"dev\") or \"test\" "
    "(\"testing\", \"eval\", \"evaluation\")";

// How many of a data set's class labels count, the first ones: all, but for LexGLUE's eurlex, whose
// benchmark scores 100 of the 127 EuroVoc concepts (Chalkidis et al. 2022, arXiv 2110.00976). It is
// told by its fields, text and labels alone, and its list of names, 100163 to 100289.
std::size_t scored_labels(const std::vector<std::string>& present,
                          const std::vector<std::string>& class_names);

}  // namespace dtbench
