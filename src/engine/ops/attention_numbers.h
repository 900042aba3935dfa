// What every form of attention has in common: its scale, and the score of a key that is masked.
#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>
#include <limits>

namespace dtbench::ops {

// 1 / sqrt(D) of query [..., D].
inline double attention_scale(const at::Tensor& query) {
  return 1.0 / std::sqrt(static_cast<double>(query.size(-1)));
}

// The lowest finite number of a floating datatype, exactly.
inline double lowest_of(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return std::numeric_limits<double>::lowest();
    case at::kHalf:
      return static_cast<double>(std::numeric_limits<at::Half>::lowest());
    case at::kBFloat16:
      return static_cast<double>(std::numeric_limits<at::BFloat16>::lowest());
    default:
      return std::numeric_limits<float>::lowest();
  }
}

}  // namespace dtbench::ops
