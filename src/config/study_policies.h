// The datatype policies of the study, in the order in which they are shown; others are controls.
#pragma once

#include <array>

namespace dtbench {

inline constexpr std::array kStudyPolicies = {"fp32_true",  "amp_fp16",  "amp_bf16",
                                              "fp16_naive", "bf16_pure", "amp_bf16_8bit"};

}  // namespace dtbench
