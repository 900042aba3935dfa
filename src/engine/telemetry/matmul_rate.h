// How fast a device multiplies matrices as the engine does (ops/matmul.h), and copies memory: what
// MFU is compared with where there is no data sheet, and a check of the sheet where there is one.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <vector>

#include "base/json.h"

namespace dtbench {

struct MatmulShape {
  std::int64_t m, k, n;  // [m, k] times [k, n]
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n);
  }
};

// Squares and the models' matmuls, small to large: for a CPU some seconds' work at most.
std::vector<MatmulShape> sweep_shapes(const c10::Device& device);

// The largest rate over the shapes: {"flops_per_s", "shape": [m, k, n], "sweep": [{"shape",
// "flops_per_s"}]}. A shape's rate is that of its fastest repetition, since whatever disturbs one
// makes it slower. Shapes that would take longer than a quarter of a second at the rate found so
// far are left out. fp32 matmuls follow torch's TF32 switches as they are set.
Json sweep_matmuls(const c10::Device& device, at::ScalarType operands,
                   const std::vector<MatmulShape>& shapes);

// Bytes read and written per second by a copy within the device's memory.
double copy_rate(const c10::Device& device);

}  // namespace dtbench
