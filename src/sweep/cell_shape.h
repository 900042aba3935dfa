// The shape of a cell's model before its data is prepared: for predictions of cost.
#pragma once

#include <filesystem>
#include <optional>

#include "config/model_shape.h"

namespace dtbench {

// Nothing where the data decides the number of labels. Throws Error (usage) when the vocabulary
// cannot be read.
std::optional<ModelShape> shape_before_data(const RunSpec& spec,
                                            const std::filesystem::path& configs);

}  // namespace dtbench
