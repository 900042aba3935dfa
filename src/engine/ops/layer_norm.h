// Layer normalization (Ba, Kiros and Hinton 2016, arXiv 1607.06450) over the last dimension, with
// fp32 inside (fp64 for fp64) and one rounding of the output and of each gradient.
#pragma once

#include "engine/numerics/compute_rules.h"
#include "engine/tape/tape.h"

namespace dtbench::ops {

// x [..., C], weight and bias [C]. The output has x's datatype, or fp32 where the cast list says
// so.
Value layer_norm(Tape& tape, const Value& x, const Value& weight, const Value& bias, double epsilon,
                 const ComputeRules& rules);

}  // namespace dtbench::ops
