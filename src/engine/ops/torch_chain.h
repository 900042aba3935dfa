// Controls that are defined as "what torch does": a chain of torch's own operations whose
// roundings, forward and backward, are the point. Torch differentiates it; on the tape it is one
// node.
#pragma once

#include "engine/tape/tape.h"

namespace dtbench::ops {

// chain(x), any shape. `operation` names the node.
Value torch_chain(Tape& tape, std::string_view operation, const Value& x,
                  const std::function<at::Tensor(const at::Tensor&)>& chain);

}  // namespace dtbench::ops
