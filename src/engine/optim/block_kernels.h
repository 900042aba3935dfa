// The optimizer's loops on the CPU over blocks that lie in the first-level cache, vectorized and
// chosen for the machine's instruction set at start-up. Every instruction set gives the same bits.
// For sources of one instruction set: no header of ATen.
#pragma once

#include <cstdint>

#include "base/philox.h"
#include "engine/optim/adamw_element.h"

namespace dtbench::kernels {

// 16-bit values as fp32: exact.
void bf16_to_fp32(const std::uint16_t* from, float* to, std::int64_t count);
void fp16_to_fp32(const std::uint16_t* from, float* to, std::int64_t count);

// To nearest even; beyond the largest number to infinity; NaN to NaN.
void fp32_to_bf16(const float* from, std::uint16_t* to, std::int64_t count);
void fp32_to_fp16(const float* from, std::uint16_t* to, std::int64_t count);

// To one of the two bf16 neighbours with the probability of its nearness, resolved to 2^-16:
// element 8g + 2w + h of the tensor takes the low (h = 0) or high half of word w of
// philox(counter = {step, g low, g high, tensor}). `first` is the block's place in the tensor, a
// multiple of 8. Infinities and NaN as to nearest.
struct StochasticDraw {
  PhiloxKey key;
  std::uint32_t step, tensor;
};
void fp32_to_bf16_stochastic(const float* from, std::uint16_t* to, std::int64_t count,
                             std::int64_t first, const StochasticDraw& draw);

// One block's values in the accumulation datatype; none of the arrays overlap.
template <typename T>
struct Block {
  const T* old_weight;
  const T* gradient;
  const T* old_exp_avg;
  const T* old_exp_avg_sq;
  T* weight;
  T* exp_avg;
  T* exp_avg_sq;
  std::int64_t count;
};
void adamw(const AdamWFactors<float>& factors, const Block<float>& block);
void adamw(const AdamWFactors<double>& factors, const Block<double>& block);

// Of a block whose weight and exp_avg_sq hold what was stored (exp_avg: before rounding), the
// number of weights that stand where they stood though the first moment is not zero ...
std::int64_t lost_weight_updates(const Block<float>& block);
std::int64_t lost_weight_updates(const Block<double>& block);
// ... and of second moments that do though the squared gradient differs from them.
std::int64_t lost_v_updates(const AdamWFactors<float>& factors, const Block<float>& block);
std::int64_t lost_v_updates(const AdamWFactors<double>& factors, const Block<double>& block);

}  // namespace dtbench::kernels
