// The datatype policies of the study, in the order in which they are shown; others are controls.
#pragma once

#include <array>

namespace dtbench {

inline constexpr std::array kStudyPolicies = {"fp32_true",  "amp_fp16",  "amp_bf16",
                                              "fp16_naive", "bf16_pure", "amp_bf16_8bit"};

inline constexpr const char* kReferencePolicy = "fp32_true";  // that all others are held against

// `fp32_true` with every initial weight moved by one unit in the last place: the noise floor.
inline constexpr const char* kNoisePolicy = "fp32_perturbed";

// What a matrix that names no policies trains: the study's, and the noise floor of each seed.
inline constexpr std::array kDefaultPolicies = {
    "fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit", kNoisePolicy};

}  // namespace dtbench
