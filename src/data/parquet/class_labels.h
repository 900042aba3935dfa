// The names of class labels, which the Hugging Face `datasets` library keeps in a schema's
// metadata: the key "huggingface" holds JSON in which info.features has each column's feature, and
// a ClassLabel feature, or the one of a list's items, its names by index.
#pragma once

#include <arrow/type.h>

#include <string>
#include <vector>

namespace dtbench {

// Empty when the column is no class label.
std::vector<std::string> class_names(const arrow::Schema& schema, const std::string& column);

}  // namespace dtbench
