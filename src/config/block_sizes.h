// How large the blocks are in which the engine computes what it never holds whole. Here, without
// torch, since the memory estimate follows them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dtbench {

// Attention: bytes that the scores of one block may take in fp32: what a CPU's caches like, and on
// a GPU what makes few launches.
inline constexpr std::int64_t kAttentionBlockBytes = std::int64_t{32} << 20;
inline constexpr std::int64_t kAttentionBlockBytesOnGpu = std::int64_t{512} << 20;

// The language model's head: bytes that a chunk's logits may take, likewise.
inline constexpr std::int64_t kLmHeadBytes = std::int64_t{64} << 20;
inline constexpr std::int64_t kLmHeadBytesOnGpu = std::int64_t{512} << 20;

// Tokens in each of the fewest chunks of `rows` tokens whose logits keep within `bytes`, at least
// one. All are alike but the last, which may be a few shorter, so that one
// block of memory serves all.
inline std::int64_t lm_head_chunk(std::int64_t rows, std::int64_t vocabulary,
                                  std::int64_t item_bytes, std::int64_t bytes) {
  const std::int64_t row_bytes = std::max<std::int64_t>(1, vocabulary * item_bytes);
  const std::int64_t most = std::max<std::int64_t>(1, bytes / row_bytes);
  const std::int64_t chunks = std::max<std::int64_t>(1, (rows + most - 1) / most);
  return std::max<std::int64_t>(1, (rows + chunks - 1) / chunks);
}

}  // namespace dtbench
