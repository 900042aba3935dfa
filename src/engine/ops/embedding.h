// Table look-up whose gradient sums a row's contributions in fp32 and rounds once.
#pragma once

#include "engine/tape/tape.h"

namespace dtbench::ops {

// Rows of `weight` [V, C] at `ids` [...] int64: [..., C], in the table's datatype. The row
// `padding_index` gets no gradient; -1: every row does.
Value embedding(Tape& tape, const Value& weight, const at::Tensor& ids,
                std::int64_t padding_index = -1);

}  // namespace dtbench::ops
