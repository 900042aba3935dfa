// How attention is computed, and where it rounds (contract: "Rounding points").
#pragma once

#include <array>

#include "config/enum_names.h"

namespace dtbench {

// Composed: of matrix products whose results are rounded, as Transformers' eager attention. Fused:
// as the kernels that people train with, which round neither scores nor their gradients (Dao 2023,
// arXiv 2307.08691).
enum class AttentionForm { kComposed, kFused };
constexpr auto names_of(AttentionForm) {
  return std::array{EnumName{AttentionForm::kComposed, "composed"},
                    EnumName{AttentionForm::kFused, "fused"}};
}

}  // namespace dtbench
