#include "engine/train/masking.h"

#include "base/error.h"
#include "base/philox.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::uint32_t kValidationRound = 0xFFFFFFFF;
constexpr std::size_t kIds = 65536;  // a store's ids have 16 bits

std::int64_t require_mask_token(const StoreMeta& meta) {
  if (meta.mask_token_id) return *meta.mask_token_id;
  throw usage_error(concat("Masked language modelling needs a mask token, and the store of '",
                           meta.name, "', prepared for ", meta.token_scheme, ", has none."),
                    "Prepare the data for a RoBERTa scenario: dtbench data prepare --scenario B.");
}

}  // namespace

MaskingSample MaskingSample::training(std::int64_t step, std::int64_t position) {
  return {static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(position)};
}

MaskingSample MaskingSample::validation(std::int64_t example) {
  return {kValidationRound, static_cast<std::uint32_t>(example)};
}

TokenMasking::TokenMasking(std::uint32_t seed, const StoreMeta& meta)
    : seed_(seed),
      mask_token_id_(require_mask_token(meta)),
      vocab_size_(meta.vocab_size),
      special_(kIds) {
  for (const std::int64_t id : meta.special_token_ids)
    special_.at(static_cast<std::size_t>(id)) = true;
}

std::vector<MaskedToken> TokenMasking::apply(const MaskingSample& sample,
                                             std::span<std::int64_t> ids) const {
  static const std::uint32_t selected = probability_threshold(0.15);
  static const std::uint32_t masked = probability_threshold(0.8);
  static const std::uint32_t masked_or_random = probability_threshold(0.9);
  const PhiloxKey key{seed_, stream::kMasking};
  std::vector<MaskedToken> targets;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    std::int64_t& id = ids[t];
    if (special_[static_cast<std::size_t>(id)]) continue;
    const PhiloxWords words =
        philox4x32_10({{sample.round, sample.index, static_cast<std::uint32_t>(t), 0}}, key);
    if (words.v[0] >= selected) continue;
    targets.push_back({static_cast<std::int64_t>(t), id});
    if (words.v[1] < masked) {
      id = mask_token_id_;
    } else if (words.v[1] < masked_or_random) {
      const std::uint64_t bits = (std::uint64_t{words.v[2]} << 32) | words.v[3];
      id = static_cast<std::int64_t>(below_bound(bits, static_cast<std::uint64_t>(vocab_size_)));
    }
  }
  return targets;
}

}  // namespace dtbench
