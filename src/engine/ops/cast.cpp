#include "engine/ops/cast.h"

#include <ATen/ATen.h>

namespace dtbench::ops {

Value cast(Tape& tape, const Value& x, at::ScalarType type) {
  if (!x.defined() || x.scalar_type() == type) return x;
  return tape.record("cast", {x}, x.tensor().to(type),
                     [from = x.scalar_type()](Tensors dy) -> Tensors { return {dy[0].to(from)}; });
}

Value as_operand(Tape& tape, CastOp op, const Value& x, const ComputeRules& rules) {
  return x.defined() ? cast(tape, x, operand_type(op, x.scalar_type(), rules)) : x;
}

}  // namespace dtbench::ops
