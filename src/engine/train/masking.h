// Masked language modelling (Devlin et al. 2019, arXiv 1810.04805, section 3.1, with RoBERTa's
// dynamic masks): each token that is not special is a target with probability 0.15; of the targets
// 80 % become <mask>, 10 % a token drawn from the whole vocabulary, 10 % stay.
//
// Token t of a sample has one Philox block, counter (sample's two words, t, 0): word 0 selects,
// word 1 decides what becomes of it, words 2 and 3 draw the random id. So a token's fate depends
// neither on other tokens nor on padded length, micro-batch, device or policy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/store.h"

namespace dtbench {

// The first two words of a sample's counters.
struct MaskingSample {
  std::uint32_t round, index;

  // `position`: the sample's in the step's global batch.
  static MaskingSample training(std::int64_t step, std::int64_t position);
  // The same at every evaluation, and no step's: those are below 2^31 (config/validate.cpp).
  static MaskingSample validation(std::int64_t example);
};

struct MaskedToken {
  std::int64_t position;  // in its sample
  std::int64_t original;  // the id to predict
};

class TokenMasking {
 public:
  // Throws Error (usage) when the store's vocabulary has no mask token.
  TokenMasking(std::uint32_t seed, const StoreMeta& meta);

  // Replaces ids of a sample's real tokens; returns the targets, positions ascending.
  std::vector<MaskedToken> apply(const MaskingSample& sample, std::span<std::int64_t> ids) const;

 private:
  std::uint32_t seed_;
  std::int64_t mask_token_id_, vocab_size_;
  std::vector<bool> special_;  // by id
};

}  // namespace dtbench
