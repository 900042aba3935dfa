// A dense tensor's values block by block in the accumulation datatype T, on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "engine/optim/block_kernels.h"

namespace dtbench {

template <typename T>
class StoredValues {
 public:
  // A contiguous tensor of T's datatype or, for T = float, of bf16 or fp16. Throws std::logic_error
  // for others.
  explicit StoredValues(const at::Tensor& tensor);

  // Copies the values from `first` on.
  void load(std::int64_t first, std::int64_t count, T* to) const;

  // Rounds to nearest and stores; `values` become what was stored.
  void store(std::int64_t first, std::int64_t count, T* values) const;

  // As `store`, bf16 only, with stochastic rounding.
  void store_stochastic(std::int64_t first, std::int64_t count, T* values,
                        const kernels::StochasticDraw& draw) const;

 private:
  at::ScalarType type_;
  void* data_;
};

}  // namespace dtbench
