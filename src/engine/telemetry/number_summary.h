// What numbers the tensors of a class hold: how many zeros, subnormals and saturated ones, the
// largest and the smallest magnitude, and how often each exponent.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>

#include "base/json.h"

namespace dtbench {

struct NumberSummary {
  at::ScalarType type = at::kFloat;
  std::int64_t elements = 0, zeros = 0, subnormals = 0;
  std::int64_t saturated = 0;             // the largest finite number or not finite
  double largest = 0;                     // magnitude, of finite numbers
  std::optional<double> smallest;         // magnitude, of numbers that are not zero
  std::map<int, std::int64_t> exponents;  // how many numbers have 2^e <= |x| < 2^(e + 1)

  NumberSummary& operator+=(const NumberSummary& other);  // of the same datatype, or none yet
};

// Of floating numbers; 8-bit codes have none. On a GPU the numbers are copied to the host first.
// Allocates nothing with torch on a CPU, if `x` is dense.
NumberSummary summary_of(const at::Tensor& x, bool with_exponents);

// {"datatype", "elements", "largest", "smallest", "zeros", "subnormals", "saturated" (shares) and,
// where they were counted, "exponents": {"first", "counts"}}.
Json to_json(const NumberSummary& summary);

}  // namespace dtbench
