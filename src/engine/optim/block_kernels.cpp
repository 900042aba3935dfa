#include "engine/optim/block_kernels.h"

#include <cstring>

// Compiled once for each instruction set and chosen at start-up.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define DTBENCH_CPU_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DTBENCH_CPU_CLONES
#endif

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

inline std::uint16_t stochastic_bf16(std::uint32_t bits, std::uint32_t random) {
  const bool finite = (bits & kMagnitude) < kInfinity;
  const std::uint32_t rounded = (bits + random) >> 16;
  return finite ? static_cast<std::uint16_t>(rounded) : nearest_bf16(bits);
}

// Inlined into each of the clones, which give it their instruction set.
template <typename T>
__attribute__((always_inline)) inline void adamw_loop(const AdamWFactors<T>& given,
                                                      const Block<T>& block) {
  const AdamWFactors<T> factors = given;
  const T* __restrict old_weight = block.old_weight;
  const T* __restrict stored_gradient = block.gradient;
  const T* __restrict old_exp_avg = block.old_exp_avg;
  const T* __restrict old_exp_avg_sq = block.old_exp_avg_sq;
  T* __restrict weight = block.weight;
  T* __restrict exp_avg = block.exp_avg;
  T* __restrict exp_avg_sq = block.exp_avg_sq;
  for (std::int64_t i = 0; i < block.count; ++i) {
    T m = old_exp_avg[i], v = old_exp_avg_sq[i];
    update_moments(factors, stored_gradient[i] * factors.gradient, m, v);
    weight[i] = updated_weight(factors, old_weight[i], m, v);
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
  }
}

template <typename T, typename Index>
__attribute__((always_inline)) inline std::int64_t lost_weights(const Block<T>& block) {
  Index lost = 0;
  for (std::int64_t i = 0; i < block.count; ++i)
    lost += block.weight[i] == block.old_weight[i] && block.exp_avg[i] != T{0} ? 1 : 0;
  return static_cast<std::int64_t>(lost);
}

template <typename T, typename Index>
__attribute__((always_inline)) inline std::int64_t lost_v(const AdamWFactors<T>& factors,
                                                          const Block<T>& block) {
  Index lost = 0;
  for (std::int64_t i = 0; i < block.count; ++i) {
    const T gradient = block.gradient[i] * factors.gradient;
    const T old = block.old_exp_avg_sq[i];
    lost += block.exp_avg_sq[i] == old && gradient * gradient != old ? 1 : 0;
  }
  return static_cast<std::int64_t>(lost);
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
    const std::int64_t group = (first + begin) / 8;
    const PhiloxWords words =
        philox4x32_10({{draw.step, static_cast<std::uint32_t>(group),
                        static_cast<std::uint32_t>(group >> 32), draw.tensor}},
                      draw.key);
    const std::int64_t lanes = count - begin < 8 ? count - begin : 8;
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const std::uint32_t random = (words.v[lane / 2] >> (16 * (lane % 2))) & 0xffffu;
      to[begin + lane] = stochastic_bf16(bits_of(from[begin + lane]), random);
    }
  }
}

DTBENCH_CPU_CLONES void adamw(const AdamWFactors<float>& factors, const Block<float>& block) {
  adamw_loop(factors, block);
}

DTBENCH_CPU_CLONES void adamw(const AdamWFactors<double>& factors, const Block<double>& block) {
  adamw_loop(factors, block);
}

DTBENCH_CPU_CLONES std::int64_t lost_weight_updates(const Block<float>& block) {
  return lost_weights<float, std::int32_t>(block);
}

DTBENCH_CPU_CLONES std::int64_t lost_weight_updates(const Block<double>& block) {
  return lost_weights<double, std::int64_t>(block);
}

DTBENCH_CPU_CLONES std::int64_t lost_v_updates(const AdamWFactors<float>& factors,
                                               const Block<float>& block) {
  return lost_v<float, std::int32_t>(factors, block);
}

DTBENCH_CPU_CLONES std::int64_t lost_v_updates(const AdamWFactors<double>& factors,
                                               const Block<double>& block) {
  return lost_v<double, std::int64_t>(factors, block);
}

}  // namespace dtbench::kernels
