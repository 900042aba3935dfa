// The loops of block-wise 8-bit AdamW on the CPU, over one block each.
#pragma once

#include <cstdint>

#include "engine/optim/block_kernels.h"
#include "engine/optim/blockwise_element.h"
#include "engine/optim/dynamic_map.h"

namespace dtbench::kernels {

void dequantize(const std::uint8_t* codes, float absmax, const float* map, float* to,
                std::int64_t count);

// The largest magnitude; NaN if one is there.
float largest_magnitude(const float* values, std::int64_t count);

// The code nearest to each value / absmax (value, where absmax is 0).
struct CodeSearch {
  CodeThresholds thresholds;
  CodeBuckets buckets;
};
void quantize(const float* values, float absmax, const CodeSearch& search, std::uint8_t* codes,
              std::int64_t count);

void keep_signs(const float* values, const float* map, std::uint8_t* codes, std::int64_t count);

void blockwise_adamw(const BlockwiseFactors& factors, const Block& block);

// Codes 0 of values above 0.
std::int64_t zero_point_hits(const std::uint8_t* codes, const float* values, std::int64_t count);

}  // namespace dtbench::kernels
