// The order of training examples: a new permutation for each epoch, a function of seed and epoch
// alone, so that every policy sees the same examples at the same step and a resumed run goes on
// where it was.
#pragma once

#include <cstdint>
#include <vector>

namespace dtbench {

class DataOrder {
 public:
  // `examples` > 0.
  DataOrder(std::uint32_t seed, std::int64_t examples);

  // The example at `position` of the endless sequence of epochs.
  std::int64_t example(std::int64_t position);

 private:
  void shuffle(std::int64_t epoch);

  std::uint32_t seed_;
  std::int64_t epoch_ = -1;
  std::vector<std::int64_t> permutation_;
};

}  // namespace dtbench
