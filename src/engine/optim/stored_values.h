// A dense tensor's values block by block in fp32, on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "engine/optim/block_kernels.h"

namespace dtbench {

class StoredValues {
 public:
  // A contiguous tensor of fp32, bf16 or fp16. Throws std::logic_error for others.
  explicit StoredValues(const at::Tensor& tensor);

  // Copies the values from `first` on.
  void load(std::int64_t first, std::int64_t count, float* to) const;

  // Rounds to nearest and stores; `values` become what was stored.
  void store(std::int64_t first, std::int64_t count, float* values) const;

  // As `store`, bf16 only, with stochastic rounding.
  void store_stochastic(std::int64_t first, std::int64_t count, float* values,
                        const StochasticDraw& draw) const;

 private:
  at::ScalarType type_;
  void* data_;
};

}  // namespace dtbench
