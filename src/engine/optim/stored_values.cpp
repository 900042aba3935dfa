#include "engine/optim/stored_values.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"

namespace dtbench {

template <typename T>
StoredValues<T>::StoredValues(const at::Tensor& tensor)
    : type_(tensor.scalar_type()), data_(tensor.data_ptr()) {
  const bool same = type_ == c10::CppTypeToScalarType<T>::value;
  const bool widens = std::is_same_v<T, float> && (type_ == at::kBFloat16 || type_ == at::kHalf);
  if (!tensor.is_contiguous() || !tensor.is_cpu() || !(same || widens))
    throw std::logic_error(concat("the optimizer cannot compute on a ", tensor.toString(), " in ",
                                  c10::toString(c10::CppTypeToScalarType<T>::value)));
}

template <typename T>
void StoredValues<T>::load(std::int64_t first, std::int64_t count, T* to) const {
  if constexpr (std::is_same_v<T, float>) {
    const auto* halves = static_cast<const std::uint16_t*>(data_) + first;
    if (type_ == at::kBFloat16) return kernels::bf16_to_fp32(halves, to, count);
    if (type_ == at::kHalf) return kernels::fp16_to_fp32(halves, to, count);
  }
  std::copy_n(static_cast<const T*>(data_) + first, count, to);
}

template <typename T>
void StoredValues<T>::store(std::int64_t first, std::int64_t count, T* values) const {
  if constexpr (std::is_same_v<T, float>) {
    auto* halves = static_cast<std::uint16_t*>(data_) + first;
    if (type_ == at::kBFloat16) {
      kernels::fp32_to_bf16(values, halves, count);
      return kernels::bf16_to_fp32(halves, values, count);
    }
    if (type_ == at::kHalf) {
      kernels::fp32_to_fp16(values, halves, count);
      return kernels::fp16_to_fp32(halves, values, count);
    }
  }
  std::copy_n(values, count, static_cast<T*>(data_) + first);
}

template <typename T>
void StoredValues<T>::store_stochastic(std::int64_t first, std::int64_t count, T* values,
                                       const kernels::StochasticDraw& draw) const {
  if constexpr (std::is_same_v<T, float>) {
    if (type_ == at::kBFloat16) {
      auto* halves = static_cast<std::uint16_t*>(data_) + first;
      kernels::fp32_to_bf16_stochastic(values, halves, count, first, draw);
      return kernels::bf16_to_fp32(halves, values, count);
    }
  }
  throw std::logic_error("stochastic rounding is to bf16");
}

template class StoredValues<float>;
template class StoredValues<double>;

}  // namespace dtbench
