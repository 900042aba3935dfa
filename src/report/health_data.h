// What a page shows of a run's numeric health: a value for each look, class of tensors and layer.
#pragma once

#include <vector>

#include "base/json.h"

namespace dtbench {

// From the lines of health.jsonl, null where no line is a look, or one cannot be read:
//   {"steps": [...], "layers": [null, 0, ...],
//    "classes": {name: {"datatype", "zeros", "subnormals", "saturated", "largest": [layer][look]}},
//    "exponents": {name: [layer]: {"first", "counts"} or null}  of the last look that has them}
// Of many looks as many, evenly, as a plot has room for, the last among them.
Json health_data(const std::vector<Json>& lines);

}  // namespace dtbench
