// What exact AdamW can do to a weight in one update.
#pragma once

#include <cmath>

namespace dtbench {

// The farthest that exact AdamW moves a weight in one update, in learning rates and without decay,
// whatever the gradients: by Cauchy and Schwarz,
//   |m| <= (1 - b1) sqrt(sum_i (b1^2 / b2)^i) sqrt(v / (1 - b2)),
// and the bias corrections' quotient sqrt(1 - b2^t) / (1 - b1^t) is at most 1 for b1 <= sqrt(b2).
// 7.27 for (0.9, 0.999). A longer step proves that the second moment in use is not the one of the
// gradients that made the first. (Kingma and Ba 2015, arXiv 1412.6980, section 2.1, bound two
// special cases.)
inline double longest_exact_step(double beta1, double beta2) {
  return (1 - beta1) / std::sqrt((1 - beta2) * (1 - beta1 * beta1 / beta2));
}

}  // namespace dtbench
