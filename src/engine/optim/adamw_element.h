// AdamW's arithmetic on one element (Loshchilov and Hutter 2019, arXiv 1711.05101), in the order of
// torch's fused kernel. T is the accumulation datatype: fp32, or fp64 for fp64. Every operation is
// rounded once and the one fused multiply-add is written as such, so CPU and GPU give the same
// bits. For the kernels of both: no header of ATen or of the standard library's containers.
#pragma once

#include <cmath>

#include "base/philox.h"  // DTBENCH_HOST_DEVICE

namespace dtbench {

template <typename T>
struct AdamWFactors {
  T gradient;  // multiplies the stored gradient first
  T decay;     // 1 - rate x weight decay
  T lerp;      // of the first moment: beta1 near 1 moves m by lerp (g - m), beta1 below 1/2 moves
  bool from_old;  // g by it; so says from_old
  T beta2;
  T one_minus_beta2;
  T correction2_sqrt;  // sqrt(1 - beta2^t)
  T epsilon;
  T step_size;  // rate / (1 - beta1^t)
};

template <typename T>
DTBENCH_HOST_DEVICE inline void update_moments(const AdamWFactors<T>& factors, T gradient,
                                               T& exp_avg, T& exp_avg_sq) {
  const T base = factors.from_old ? exp_avg : gradient;
  exp_avg = std::fma(factors.lerp, gradient - exp_avg, base);
  exp_avg_sq = std::fma(factors.one_minus_beta2 * gradient, gradient, exp_avg_sq * factors.beta2);
}

template <typename T>
DTBENCH_HOST_DEVICE inline T updated_weight(const AdamWFactors<T>& factors, T weight, T exp_avg,
                                            T exp_avg_sq) {
  const T denominator = std::sqrt(exp_avg_sq) / factors.correction2_sqrt + factors.epsilon;
  return weight * factors.decay + -factors.step_size * exp_avg / denominator;
}

// The factors of update `t` (from 1 on).
template <typename T>
AdamWFactors<T> adamw_factors(double rate, double gradient, double beta1, double beta2,
                              double epsilon, double weight_decay, double t) {
  const double one_minus_beta1 = 1 - beta1;
  const bool from_old = std::abs(static_cast<T>(one_minus_beta1)) < T{0.5};
  const T lerp = static_cast<T>(one_minus_beta1);
  return {static_cast<T>(gradient),
          static_cast<T>(1 - rate * weight_decay),
          from_old ? lerp : lerp - 1,
          from_old,
          static_cast<T>(beta2),
          static_cast<T>(1 - beta2),
          static_cast<T>(std::sqrt(1 - std::pow(beta2, t))),
          static_cast<T>(epsilon),
          static_cast<T>(rate / (1 - std::pow(beta1, t)))};
}

}  // namespace dtbench
