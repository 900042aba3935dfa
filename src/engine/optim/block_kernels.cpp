#include "engine/optim/block_kernels.h"

#include <cstring>

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {
namespace {

constexpr std::uint32_t kInfinity = 0x7f800000u, kMagnitude = 0x7fffffffu;

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float value_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float widened_fp16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, magnitude = (half & 0x7fffu) << 13;
  // The exponent's bias is 112 less; a product with 2^112 renormalizes subnormals too.
  const std::uint32_t bits = bits_of(value_of(magnitude) * 0x1p112f);
  return value_of(sign | bits | (magnitude >= 0x0f800000u ? kInfinity : 0u));
}

inline std::uint16_t nearest_bf16(std::uint32_t bits) {
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<std::uint16_t>((bits & kMagnitude) > kInfinity ? 0x7fc0u : rounded);
}

inline std::uint16_t nearest_fp16(std::uint32_t bits) {
  const std::uint32_t magnitude = bits & kMagnitude;
  const std::uint32_t normal = (magnitude + 0x0fffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
  // The spacing of fp32 between 1/2 and 1 is fp16's below 2^-14: the sum rounds where fp16 does.
  const std::uint32_t subnormal = bits_of(value_of(magnitude) + 0.5f) - 0x3f000000u;
  std::uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x47800000u ? 0x7c00u : half;  // 65536 and above
  half = magnitude > kInfinity ? 0x7e00u : half;
  return static_cast<std::uint16_t>((bits >> 31) << 15 | half);
}

// False for NaN: an update that is not a number is not lost.
template <typename T>
inline bool differs(T a, T b) {
  return (a < b) | (a > b);
}

// Inlined into each of the clones, which give them their instruction set. Pointers that are
// parameters are what GCC believes to be unaliased. `Count` is as wide as T, so that both fill
// vector registers alike.
template <typename Count, typename T>
__attribute__((always_inline)) inline LostUpdates update_in_place(
    const AdamWFactors<T>& given, T* __restrict weight, const T* __restrict gradient,
    T* __restrict exp_avg, T* __restrict exp_avg_sq, std::int64_t count) {
  const AdamWFactors<T> factors = given;
  Count lost_weights = 0, lost_v = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const T g = gradient[i] * factors.gradient, old_weight = weight[i], old_v = exp_avg_sq[i];
    T m = exp_avg[i], v = old_v;
    update_moments(factors, g, m, v);
    const T updated = updated_weight(factors, old_weight, m, v);
    lost_weights += static_cast<Count>((updated == old_weight) & differs(m, T{0}));
    lost_v += static_cast<Count>((v == old_v) & differs(g * g, old_v));
    weight[i] = updated;
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
  }
  return {lost_weights, lost_v};
}

__attribute__((always_inline)) inline void update_block(
    const AdamWFactors<float>& given, const float* __restrict old_weight,
    const float* __restrict gradient, const float* __restrict old_exp_avg,
    const float* __restrict old_exp_avg_sq, float* __restrict weight, float* __restrict exp_avg,
    float* __restrict exp_avg_sq, std::int64_t count) {
  const AdamWFactors<float> factors = given;
  for (std::int64_t i = 0; i < count; ++i) {
    float m = old_exp_avg[i], v = old_exp_avg_sq[i];
    update_moments(factors, gradient[i] * factors.gradient, m, v);
    weight[i] = updated_weight(factors, old_weight[i], m, v);
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
  }
}

__attribute__((always_inline)) inline LostUpdates count_lost(
    float factor, const float* __restrict old_weight, const float* __restrict gradient,
    const float* __restrict old_exp_avg_sq, const float* __restrict weight,
    const float* __restrict exp_avg, const float* __restrict exp_avg_sq, std::int64_t count) {
  std::int32_t weights = 0, exp_avg_sqs = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * factor;
    weights += static_cast<std::int32_t>((weight[i] == old_weight[i]) & differs(exp_avg[i], 0.0f));
    exp_avg_sqs += static_cast<std::int32_t>((exp_avg_sq[i] == old_exp_avg_sq[i]) &
                                             differs(g * g, old_exp_avg_sq[i]));
  }
  return {weights, exp_avg_sqs};
}

}  // namespace

DTBENCH_CPU_CLONES void bf16_to_fp32(const std::uint16_t* __restrict from, float* __restrict to,
                                     std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = value_of(static_cast<std::uint32_t>(from[i]) << 16);
}

DTBENCH_CPU_CLONES void fp16_to_fp32(const std::uint16_t* __restrict from, float* __restrict to,
                                     std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = widened_fp16(from[i]);
}

DTBENCH_CPU_CLONES void fp32_to_bf16(const float* __restrict from, std::uint16_t* __restrict to,
                                     std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = nearest_bf16(bits_of(from[i]));
}

DTBENCH_CPU_CLONES void fp32_to_fp16(const float* __restrict from, std::uint16_t* __restrict to,
                                     std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = nearest_fp16(bits_of(from[i]));
}

DTBENCH_CPU_CLONES void fp32_to_bf16_stochastic(const float* __restrict from,
                                                std::uint16_t* __restrict to, std::int64_t count,
                                                std::int64_t first, const StochasticDraw& draw) {
  for (std::int64_t begin = 0; begin < count; begin += 8) {
    const PhiloxWords words = stochastic_words(draw, (first + begin) / 8);
    const std::int64_t lanes = count - begin < 8 ? count - begin : 8;
    for (int lane = 0; lane < lanes; ++lane) {
      const std::uint32_t bits = bits_of(from[begin + lane]);
      const bool finite = (bits & kMagnitude) < kInfinity;
      to[begin + lane] =
          finite ? stochastic_bf16(bits, stochastic_half(words, lane)) : nearest_bf16(bits);
    }
  }
}

DTBENCH_CPU_CLONES LostUpdates adamw_in_place(const AdamWFactors<float>& factors, float* weight,
                                              const float* gradient, float* exp_avg,
                                              float* exp_avg_sq, std::int64_t count) {
  return update_in_place<std::int32_t>(factors, weight, gradient, exp_avg, exp_avg_sq, count);
}

DTBENCH_CPU_CLONES LostUpdates adamw_in_place(const AdamWFactors<double>& factors, double* weight,
                                              const double* gradient, double* exp_avg,
                                              double* exp_avg_sq, std::int64_t count) {
  return update_in_place<std::int64_t>(factors, weight, gradient, exp_avg, exp_avg_sq, count);
}

DTBENCH_CPU_CLONES void adamw(const AdamWFactors<float>& factors, const Block& block) {
  update_block(factors, block.old_weight, block.gradient, block.old_exp_avg, block.old_exp_avg_sq,
               block.weight, block.exp_avg, block.exp_avg_sq, block.count);
}

DTBENCH_CPU_CLONES LostUpdates lost_updates(float gradient_factor, const Block& block) {
  return count_lost(gradient_factor, block.old_weight, block.gradient, block.old_exp_avg_sq,
                    block.weight, block.exp_avg, block.exp_avg_sq, block.count);
}

}  // namespace dtbench::kernels
