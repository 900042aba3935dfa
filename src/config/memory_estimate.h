// What training a cell takes of memory, by formula.
#pragma once

#include <cstdint>

#include "config/model_shape.h"
#include "config/run_spec.h"

namespace dtbench {

// Bytes at the peak of training, by part (config/memory_estimate.cpp derives it).
//   parameters: N in their datatype. gradients: N in theirs.
//   optimizer_state: the optimizer's states in their datatypes (8-bit: 1 + 4/256 bytes an element;
//     tensors small enough to keep fp32 are not told apart), one more weight for Kahan.
//   activations: what one micro-batch keeps for its backward pass, with the 16-bit copies of the
//     products' weights that mixed precision keeps as long.
//   total: at the fullest moment of a step or an evaluation, with all that is alive in it. Not the
//     sum of the parts: activations go while gradients come.
// Of a policy with exceptions by module it is an upper bound: as if all modules were excepted.
// What torch's allocator is asked for; its own rounding and reserve, libraries' workspaces, code
// and the program's own memory come on top.
struct MemoryEstimate {
  std::int64_t parameters, gradients, optimizer_state, activations, total;
};
MemoryEstimate estimate_memory(const RunSpec& spec, const ModelShape& shape);

}  // namespace dtbench
