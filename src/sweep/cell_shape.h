// The shape of a cell's model before its data is prepared: for predictions of cost.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/model_shape.h"

namespace dtbench {

struct ShapeBeforeData {
  std::optional<ModelShape> shape;
  std::string unknown;  // why there is none
};

// No shape where the data decides the number of labels, or a tokenizer on the Hub the vocabulary.
// Throws Error (usage) when a vocabulary cannot be read.
ShapeBeforeData shape_before_data(const RunSpec& spec, const std::filesystem::path& configs);

}  // namespace dtbench
