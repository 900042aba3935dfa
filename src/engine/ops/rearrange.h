// Operations that move numbers and compute none.
#pragma once

#include "engine/tape/tape.h"

namespace dtbench::ops {

Value reshape(Tape& tape, const Value& x, at::IntArrayRef shape);

// Rows `index` [n] int64 of x [N, C]: [n, C]. A row's gradients are added up.
Value select_rows(Tape& tape, const Value& x, const at::Tensor& index);

// x [..., parts * C] cut along its last dimension: `parts` times [..., C].
Values split(Tape& tape, const Value& x, std::int64_t parts);

// [B, T, C] -> [B, heads, T, C / heads], and back.
Value split_heads(Tape& tape, const Value& x, std::int64_t heads);
Value merge_heads(Tape& tape, const Value& x);

}  // namespace dtbench::ops
