// Detection of NaN and infinity.
#pragma once

#include <ATen/core/Tensor.h>

namespace dtbench {

struct NonFinite {
  bool nan = false;
  bool infinity = false;
  explicit operator bool() const { return nan || infinity; }
};

// Whether `values` (any floating datatype, dense) holds a NaN or an infinity. One pass at the speed
// of memory; synchronizes with the device.
NonFinite find_nonfinite(const at::Tensor& values);

// "nan" or "inf"; NaN wins when both are there.
const char* kind_of(const NonFinite& found);

}  // namespace dtbench
