// Attention as fused kernels compute it (Dao 2023, "FlashAttention-2", arXiv 2307.08691, algorithms
// 1 and 2): scores and their gradients stay in the accumulation datatype, a few rows of queries at
// a time, and keys after a causal block of rows are not looked at.
//
// Rounding points, with L the datatype of query, key and value (contract):
//   S = Q K^T / sqrt(D);  P = exp(S - row's largest);  O = round_L(round_L(P) V / row's sum of P)
//   A = P / row's sum;  dV = round_L(round_L(A)^T dO);  dA = dO V^T
//   dS = round_L(A (dA - sum dO O));  dQ = round_L(dS K / sqrt(D));  dK likewise
// with all sums in fp32 (fp64 for fp64).
#pragma once

#include "engine/tape/tape.h"

namespace dtbench::ops {

// Which keys a query may look at: real ones, and, if `causal`, none after it. `padding` [B, T]
// bool, true where a token is padding; undefined where all are real. A query that may look at no
// key has the uniform distribution over all T, as in ops/attention.h.
struct KeyMask {
  bool causal = false;
  at::Tensor padding;
};

// query, key and value [B, H, T, D] of one datatype; returns [B, H, T, D]. On a GPU in 16 bits by
// torch's own fused kernels, which round P beside a running instead of the row's largest score; in
// fp32 and fp64 there nothing is left to fuse that may not use tensor cores, so that the products
// are those of ops/attention.h.
Value fused_attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                      const KeyMask& mask);

}  // namespace dtbench::ops
