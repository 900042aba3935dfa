// Sums of two tensors: the residual stream's additions, and those of embeddings.
#pragma once

#include "engine/tape/tape.h"

namespace dtbench::ops {

// a + b, broadcast, in the wider of the two datatypes, rounded once. Each input's gradient is
// summed over what was broadcast and cast to the input's datatype.
Value add(Tape& tape, const Value& a, const Value& b);

}  // namespace dtbench::ops
