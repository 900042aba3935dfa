#include "engine/optim/sum_of_squares.h"

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {
namespace {

// Inlined into each of the clones, which give it their instruction set.
template <typename T>
__attribute__((always_inline)) inline T sum_in_lanes(const T* __restrict values,
                                                     std::int64_t count) {
  T sums[kSquareLanes] = {};
  const std::int64_t whole = count / kSquareLanes * kSquareLanes;
  for (std::int64_t i = 0; i < whole; i += kSquareLanes)
    for (std::int64_t lane = 0; lane < kSquareLanes; ++lane)
      sums[lane] += values[i + lane] * values[i + lane];
  for (std::int64_t i = whole; i < count; ++i)
    sums[i - whole] += values[i] * values[i];
  for (std::int64_t half = kSquareLanes / 2; half > 0; half /= 2)
    for (std::int64_t lane = 0; lane < half; ++lane)
      sums[lane] += sums[lane + half];
  return sums[0];
}

}  // namespace

DTBENCH_CPU_CLONES float sum_of_squares(const float* values, std::int64_t count) {
  return sum_in_lanes(values, count);
}

DTBENCH_CPU_CLONES double sum_of_squares(const double* values, std::int64_t count) {
  return sum_in_lanes(values, count);
}

}  // namespace dtbench::kernels
