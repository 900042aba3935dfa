#include "engine/train/data_order.h"

#include <numeric>
#include <utility>

#include "base/philox.h"

namespace dtbench {

DataOrder::DataOrder(std::uint32_t seed, std::int64_t examples)
    : seed_(seed), permutation_(static_cast<std::size_t>(examples)) {}

std::int64_t DataOrder::example(std::int64_t position) {
  const auto examples = static_cast<std::int64_t>(permutation_.size());
  const std::int64_t epoch = position / examples;
  if (epoch != epoch_) shuffle(epoch);
  return permutation_[static_cast<std::size_t>(position % examples)];
}

// Fisher and Yates, from the identity each time, so that an epoch does not depend on those before.
void DataOrder::shuffle(std::int64_t epoch) {
  const PhiloxIndexStream draws({seed_, stream::kDataOrder}, static_cast<std::uint32_t>(epoch));
  std::iota(permutation_.begin(), permutation_.end(), std::int64_t{0});
  for (std::size_t i = permutation_.size(); i > 1; --i)
    std::swap(permutation_[i - 1], permutation_[draws.draw(i - 1, i)]);
  epoch_ = epoch;
}

}  // namespace dtbench
