// The samples of one step, whole and on the CPU, so that its number of targets is known before the
// first micro-batch; micro-batches are slices of it.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "config/length_buckets.h"
#include "data/store.h"
#include "engine/model/model.h"

namespace dtbench {

struct GlobalBatch {
  MicroBatch content;  // on the CPU; padded to the longest sample of the global batch, or beyond,
                       // to a size of length_buckets()
  std::int64_t samples = 0;
  std::int64_t length = 0;  // padded length T
  // N, what the loss is divided by: the task's (config/task.h, `normalizer`).
  std::int64_t targets = 0;
  std::int64_t real_tokens = 0;
  double sum_squared_lengths = 0;  // of real tokens, for attention's FLOPs
  Buckets target_buckets;          // for the targets of its micro-batches
};

// Samples first .. first + count - 1 of a batch, on `device`; its targets padded by ignored ones to
// a size of the batch's buckets.
MicroBatch slice(const GlobalBatch& batch, std::int64_t first, std::int64_t count,
                 const c10::Device& device);

// Which examples of a split a batch is made of.
struct Selection {
  Split split;
  std::int64_t step;  // training
  std::vector<std::int64_t> examples;
};

}  // namespace dtbench
