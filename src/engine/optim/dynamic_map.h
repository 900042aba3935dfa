// The 8-bit numbers of block-wise optimizer states: "dynamic tree quantization" (Dettmers 2016,
// arXiv 1511.04561; Dettmers et al. 2021, arXiv 2110.02861), with bitsandbytes' tables: seven
// decades below 1, each with twice the values of the one below.
#pragma once

#include <array>

namespace dtbench {

// The values of codes 0..255, ascending: 0, 1 and, for decade i = 0..6 (10^(i - 7) to 10^(i - 6)),
// the means of neighbours among n + 1 equally spaced numbers, with both signs and n = 2^i (signed;
// zero is code 127) or n = 2^(i + 1) (unsigned; zero is code 0). The same bits as
// bitsandbytes.functional.create_dynamic_map on a CPU with AVX2.
using DynamicMap = std::array<float, 256>;
const DynamicMap& signed_dynamic_map();
const DynamicMap& unsigned_dynamic_map();

// Where neighbouring codes part: x is stored as the number of thresholds below it, which is the
// nearest code. A tie goes to the even code; the last entry is infinity.
using CodeThresholds = std::array<float, 256>;
CodeThresholds code_thresholds(const DynamicMap& map);

}  // namespace dtbench
