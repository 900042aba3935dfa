// For CPU and GPU: no header of ATen.
#pragma once

#include <cstdint>

namespace dtbench {

// The target of a row that is there for its shape alone: it adds 0 to the loss and, where its
// logits are finite, 0 to every gradient. Torch's and Transformers' convention (ignore_index).
inline constexpr std::int64_t kIgnoredTarget = -100;

}  // namespace dtbench
