// What a page shows of a run's numeric health: a value for each sampled step, class of tensors and
// layer.
#pragma once

#include <vector>

#include "base/json.h"

namespace dtbench {

// From the lines of health.jsonl; null where no line is a sample, or one is not as the engine
// writes them:
//   {"steps": [...], "layers": [null, 0, ...],
//    "classes": {name: {"datatype", measure: [layer][step]}},
//    "exponents": {name: [step]: {"first", "counts"} or null}  of all layers together}
// Of a class with several datatypes (activations under mixed precision) the narrowest.
// Measures: "zeros", "subnormals", "saturated", "largest", "smallest"; of "updates" also
// "to_weight", the largest of a layer's parameters. Of many samples as many, evenly, as a plot has
// room for, the last among them.
Json health_data(const std::vector<Json>& lines);

}  // namespace dtbench
