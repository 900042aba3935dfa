// Block-wise 8-bit AdamW on one element (Dettmers et al. 2021, arXiv 2110.02861), by the rule of
// bitsandbytes' CUDA kernel kOptimizerStatic8bit2StateBlockwise: epsilon scaled by the bias
// correction instead of the moments, and decay after the update. Every operation is rounded once,
// so CPU and GPU give the same bits. For the kernels of both: no header of ATen.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/philox.h"  // DTBENCH_HOST_DEVICE

namespace dtbench {

// A block of the flattened tensor shares one scale; the last may be short.
inline constexpr std::int64_t kBlockwiseBlock = 256;

struct BlockwiseFactors {
  float gradient;  // multiplies the stored gradient first
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float step_size;  // rate x sqrt(1 - beta2^t) / (1 - beta1^t)
  float epsilon;    // epsilon x sqrt(1 - beta2^t)
  float decay;      // 1 - rate x weight decay
};

// The moments after an element's gradient, before quantization. A gradient that is not finite
// zeroes both, and its weight is left alone.
DTBENCH_HOST_DEVICE inline void blockwise_moments(const BlockwiseFactors& factors, float gradient,
                                                  bool finite, float& exp_avg, float& exp_avg_sq) {
  const float m = exp_avg * factors.beta1 + factors.one_minus_beta1 * gradient;
  const float v = exp_avg_sq * factors.beta2 + factors.one_minus_beta2 * gradient * gradient;
  exp_avg = finite ? m : 0.0f;
  exp_avg_sq = finite ? v : 0.0f;
}

DTBENCH_HOST_DEVICE inline float blockwise_weight(const BlockwiseFactors& factors, float weight,
                                                  bool finite, float exp_avg, float exp_avg_sq) {
  const float ratio = exp_avg / (std::sqrt(exp_avg_sq) + factors.epsilon);
  const float updated = (weight - factors.step_size * ratio) * factors.decay;
  return finite ? updated : weight;
}

// The number of thresholds (optim/dynamic_map.h) below x: the nearest code; 0 for NaN. A binary
// search, unrolled by recursion so that it can be vectorized over elements.
template <std::int32_t kStep = 128>
DTBENCH_HOST_DEVICE inline std::int32_t nearest_code(const float* thresholds, float x,
                                                     std::int32_t code = 0) {
  code += x > thresholds[code + kStep - 1] ? kStep : 0;
  if constexpr (kStep > 1) return nearest_code<kStep / 2>(thresholds, x, code);
  return code;
}

// A first moment keeps its sign: of the negative ones, those nearest to zero get the code below.
DTBENCH_HOST_DEVICE inline std::int32_t sign_kept(const float* map, float value,
                                                  std::int32_t code) {
  const bool kept = std::signbit(map[code]) == std::signbit(value);
  return kept ? code : code + (value > 0 ? 1 : -1);
}

}  // namespace dtbench
