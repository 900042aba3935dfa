// torch's custom autograd functions take an absent tensor as an empty optional, not as an undefined
// tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace dtbench {

inline std::optional<at::Tensor> optional_tensor(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

inline at::Tensor tensor_or_undefined(const std::optional<at::Tensor>& tensor) {
  return tensor.value_or(at::Tensor());
}

}  // namespace dtbench
