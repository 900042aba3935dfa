// Few sizes, fixed for a run, to which it pads what varies in size from batch to batch, so that the
// shapes of its steps are few (train.length_buckets, ADR 0026). They follow from the spec alone.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "config/run_spec.h"

namespace dtbench {

class Buckets {
 public:
  Buckets() = default;  // off: every count stays what it is
  explicit Buckets(std::vector<std::int64_t> sizes) : sizes_(std::move(sizes)) {}  // ascending

  const std::vector<std::int64_t>& sizes() const { return sizes_; }

  // The smallest size that holds `count`; beyond the largest, and when off, `count` itself.
  std::int64_t padded(std::int64_t count) const;

 private:
  std::vector<std::int64_t> sizes_;
};

// At most train.length_buckets sizes each, multiples of 8 but the last, which holds whatever may
// come. Off where nothing varies: blocks have one length, and all tasks but masked language
// modelling predict as often in every batch.

// Lengths of batches of documents: the n-th parts of data.length.
Buckets length_buckets(const RunSpec& spec);

// Targets of a micro-batch under masking. Their number is binomial: the last size but one is its
// mean plus six standard deviations, the others divide the twelve below it into equal parts; the
// last one is every token of the micro-batch.
Buckets target_buckets(const RunSpec& spec);

}  // namespace dtbench
