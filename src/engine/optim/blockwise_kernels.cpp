#include "engine/optim/blockwise_kernels.h"

#include <cstring>

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {
namespace {

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline std::uint32_t magnitude_bits(float value) {
  return bits_of(value) & 0x7fffffffu;
}

// Inlined into each of the clones. Pointers that are parameters are what GCC believes to be
// unaliased.
__attribute__((always_inline)) inline void update_block(
    const BlockwiseFactors& given, const float* __restrict old_weight,
    const float* __restrict gradient, const float* __restrict old_exp_avg,
    const float* __restrict old_exp_avg_sq, float* __restrict weight, float* __restrict exp_avg,
    float* __restrict exp_avg_sq, std::int64_t count) {
  const BlockwiseFactors factors = given;
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * factors.gradient;
    const bool finite = magnitude_bits(g) < 0x7f800000u;
    float m = old_exp_avg[i], v = old_exp_avg_sq[i];
    blockwise_moments(factors, g, finite, m, v);
    weight[i] = blockwise_weight(factors, old_weight[i], finite, m, v);
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
  }
}

__attribute__((always_inline)) inline void find_codes(const float* __restrict values, float scale,
                                                      const float* __restrict thresholds,
                                                      const std::int32_t* __restrict lowest,
                                                      std::uint8_t* __restrict codes,
                                                      std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = values[i] / scale;
    const std::int32_t code = lowest[bucket_of(bits_of(x))];
    const std::int32_t nearest = code + (x > thresholds[code] ? 1 : 0);
    codes[i] = static_cast<std::uint8_t>(x == x ? nearest : 0);  // 0 for NaN, as nearest_code
  }
}

}  // namespace

DTBENCH_CPU_CLONES void dequantize(const std::uint8_t* __restrict codes, float absmax,
                                   const float* __restrict map, float* __restrict to,
                                   std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    to[i] = map[codes[i]] * absmax;
}

DTBENCH_CPU_CLONES float largest_magnitude(const float* __restrict values, std::int64_t count) {
  // As integers magnitudes are ordered, too, with NaN above all.
  std::uint32_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t magnitude = magnitude_bits(values[i]);
    largest = magnitude > largest ? magnitude : largest;
  }
  float result;
  std::memcpy(&result, &largest, sizeof result);
  return result;
}

DTBENCH_CPU_CLONES void quantize(const float* values, float absmax, const CodeSearch& search,
                                 std::uint8_t* codes, std::int64_t count) {
  const float scale = absmax == 0 ? 1.0f : absmax;
  find_codes(values, scale, search.thresholds.data(), search.buckets.lowest.data(), codes, count);
}

DTBENCH_CPU_CLONES void keep_signs(const float* __restrict values, const float* __restrict map,
                                   std::uint8_t* __restrict codes, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<std::uint8_t>(sign_kept(map, values[i], codes[i]));
}

DTBENCH_CPU_CLONES void blockwise_adamw(const BlockwiseFactors& factors, const Block& block) {
  update_block(factors, block.old_weight, block.gradient, block.old_exp_avg, block.old_exp_avg_sq,
               block.weight, block.exp_avg, block.exp_avg_sq, block.count);
}

DTBENCH_CPU_CLONES std::int64_t zero_point_hits(const std::uint8_t* __restrict codes,
                                                const float* __restrict values,
                                                std::int64_t count) {
  std::int32_t hits = 0;
  for (std::int64_t i = 0; i < count; ++i)
    hits += static_cast<std::int32_t>((codes[i] == 0) & (values[i] > 0));
  return hits;
}

}  // namespace dtbench::kernels
