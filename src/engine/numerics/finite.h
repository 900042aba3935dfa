// Detection of NaN and infinity.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "record/phase.h"

namespace dtbench {

struct NonFinite {
  bool nan = false;
  bool infinity = false;
  explicit operator bool() const { return nan || infinity; }
};

// Whether `values` (any floating datatype, dense) holds a NaN or an infinity. One pass at the speed
// of memory; synchronizes with the device.
NonFinite find_nonfinite(const at::Tensor& values);

// Ors into the int32 scalar `flags` bit 0 where one of `tensors` (all on its device) holds a NaN,
// bit 1 for an infinity; a CPU looks no further than the first tensor that has one. Launched, not
// waited for.
void flag_nonfinite(const std::vector<at::Tensor>& tensors, at::Tensor& flags);

struct NonFiniteTensor {
  std::size_t index;
  NonFinite found;
};

// The first of `tensors` (all on one device) that holds one. On a GPU all are searched before the
// device is waited for, once.
std::optional<NonFiniteTensor> find_first_nonfinite(const std::vector<at::Tensor>& tensors);

// NaN wins when both are there.
NonfiniteKind kind_of(const NonFinite& found);

}  // namespace dtbench
