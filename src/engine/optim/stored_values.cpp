#include "engine/optim/stored_values.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"

namespace dtbench {

StoredValues::StoredValues(const at::Tensor& tensor)
    : type_(tensor.scalar_type()), data_(tensor.data_ptr()) {
  const bool fits = type_ == at::kFloat || type_ == at::kBFloat16 || type_ == at::kHalf;
  if (!tensor.is_contiguous() || !tensor.is_cpu() || !fits)
    throw std::logic_error(concat("the optimizer cannot compute in fp32 on ", tensor.toString()));
}

void StoredValues::load(std::int64_t first, std::int64_t count, float* to) const {
  const auto* halves = static_cast<const std::uint16_t*>(data_) + first;
  if (type_ == at::kBFloat16) return kernels::bf16_to_fp32(halves, to, count);
  if (type_ == at::kHalf) return kernels::fp16_to_fp32(halves, to, count);
  std::copy_n(static_cast<const float*>(data_) + first, count, to);
}

void StoredValues::store(std::int64_t first, std::int64_t count, float* values) const {
  auto* halves = static_cast<std::uint16_t*>(data_) + first;
  if (type_ == at::kBFloat16) {
    kernels::fp32_to_bf16(values, halves, count);
    return kernels::bf16_to_fp32(halves, values, count);
  }
  if (type_ == at::kHalf) {
    kernels::fp32_to_fp16(values, halves, count);
    return kernels::fp16_to_fp32(halves, values, count);
  }
  std::copy_n(values, count, static_cast<float*>(data_) + first);
}

void StoredValues::store_stochastic(std::int64_t first, std::int64_t count, float* values,
                                    const StochasticDraw& draw) const {
  if (type_ != at::kBFloat16) throw std::logic_error("stochastic rounding is to bf16");
  auto* halves = static_cast<std::uint16_t*>(data_) + first;
  kernels::fp32_to_bf16_stochastic(values, halves, count, first, draw);
  kernels::bf16_to_fp32(halves, values, count);
}

}  // namespace dtbench
