// What an operation of a step needs at least, forward and backward together: the roofs that its
// time is held against (Williams, Waterman and Patterson 2009).
#pragma once

#include "engine/tape/tape.h"

namespace dtbench {

struct NodeWork {
  double flops = 0;  // of matrix products; of attention all scores, masked ones too
  double bytes = 0;  // each operand read once, each result written once, a pass each way
};

// `in` and `out` as an observer sees them in the forward pass. What is computed a second time, as
// attention's scores are, counts once. A view moves nothing. An operation that this does not know
// counts what it is given and what it returns, and what comes and goes in its backward pass.
NodeWork node_work(const Node& node, at::TensorList in, at::TensorList out);

double bytes_of(const at::Tensor& x);  // 0 where it is undefined

}  // namespace dtbench
