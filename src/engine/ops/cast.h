// A change of datatype as an operation of its own: what mixed precision's cast lists insert.
#pragma once

#include "engine/numerics/compute_rules.h"
#include "engine/tape/tape.h"

namespace dtbench::ops {

// `x` rounded to `type`; `x` itself where it has that already, or is absent. The gradient is cast
// back.
Value cast(Tape& tape, const Value& x, at::ScalarType type);

// `x` as an operand of `op` (numerics/compute_rules.h).
Value as_operand(Tape& tape, CastOp op, const Value& x, const ComputeRules& rules);

}  // namespace dtbench::ops
