#include "config/length_buckets.h"

#include <algorithm>
#include <cmath>

namespace dtbench {
namespace {

// Adds a size unless a smaller one has been rounded up to it: to what suits matrix products, but
// not beyond `most`.
void add_size(std::vector<std::int64_t>& sizes, std::int64_t least, std::int64_t most) {
  constexpr std::int64_t kMultiple = 8;
  const std::int64_t whole = (std::max<std::int64_t>(1, least) + kMultiple - 1) / kMultiple;
  const std::int64_t size = std::min(whole * kMultiple, most);
  if (sizes.empty() || sizes.back() < size) sizes.push_back(size);
}

}  // namespace

std::int64_t Buckets::padded(std::int64_t count) const {
  const auto size = std::lower_bound(sizes_.begin(), sizes_.end(), count);
  return size == sizes_.end() ? count : *size;
}

Buckets length_buckets(const RunSpec& spec) {
  if (spec.objective->reads == TaskReads::kBlocks) return {};
  const std::int64_t count = spec.train.length_buckets, longest = spec.data.length;
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 1; i <= count; ++i)
    add_size(sizes, (i * longest + count - 1) / count, longest);
  return Buckets(std::move(sizes));
}

Buckets target_buckets(const RunSpec& spec) {
  constexpr double kDeviations = 6;
  const std::int64_t count = spec.train.length_buckets;
  if (count == 0 || spec.objective->needs != TaskNeeds::kMaskToken) return {};
  const std::int64_t tokens = spec.train.micro_batch * spec.data.length;
  const auto mean =
      static_cast<double>(spec.objective->targets(spec.train.micro_batch, spec.data.length));
  const double deviation = std::sqrt(mean * (1 - mean / static_cast<double>(tokens)));
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 1; i < count; ++i) {
    const double place = 2 * static_cast<double>(i) / static_cast<double>(count - 1) - 1;
    add_size(sizes, std::llround(std::ceil(mean + kDeviations * deviation * place)), tokens);
  }
  add_size(sizes, tokens, tokens);
  return Buckets(std::move(sizes));
}

}  // namespace dtbench
