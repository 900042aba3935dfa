// The optimizer's loops on the CPU over blocks that lie in the first-level cache, vectorized and
// chosen for the machine's instruction set at start-up. Every instruction set gives the same bits.
// For sources of one instruction set: no header of ATen.
#pragma once

#include <cstdint>

#include "engine/optim/adamw_element.h"
#include "engine/optim/stochastic_rounding.h"

namespace dtbench::kernels {

// 16-bit values as fp32: exact.
void bf16_to_fp32(const std::uint16_t* from, float* to, std::int64_t count);
void fp16_to_fp32(const std::uint16_t* from, float* to, std::int64_t count);

// To nearest even; beyond the largest number to infinity; NaN to NaN.
void fp32_to_bf16(const float* from, std::uint16_t* to, std::int64_t count);
void fp32_to_fp16(const float* from, std::uint16_t* to, std::int64_t count);

// To bf16 stochastically; infinities and NaN as to nearest. `first` is the block's place in the
// tensor, a multiple of 8.
void fp32_to_bf16_stochastic(const float* from, std::uint16_t* to, std::int64_t count,
                             std::int64_t first, const StochasticDraw& draw);

// What of an update leaves no trace in what is stored (tensor_update.h, UpdateCounts).
struct LostUpdates {
  std::int64_t weights, exp_avg_sqs;
};

// Where everything is stored in the accumulation datatype: one pass in place.
LostUpdates adamw_in_place(const AdamWFactors<float>& factors, float* weight, const float* gradient,
                           float* exp_avg, float* exp_avg_sq, std::int64_t count);
LostUpdates adamw_in_place(const AdamWFactors<double>& factors, double* weight,
                           const double* gradient, double* exp_avg, double* exp_avg_sq,
                           std::int64_t count);

// One block's values in fp32; none of the arrays overlap.
struct Block {
  const float* old_weight;
  const float* gradient;
  const float* old_exp_avg;
  const float* old_exp_avg_sq;
  float* weight;
  float* exp_avg;
  float* exp_avg_sq;
  std::int64_t count;
};
void adamw(const AdamWFactors<float>& factors, const Block& block);

// Of a block whose weight and exp_avg_sq have become what was stored (exp_avg: before rounding).
// `gradient_factor` multiplies the stored gradient.
LostUpdates lost_updates(float gradient_factor, const Block& block);

}  // namespace dtbench::kernels
