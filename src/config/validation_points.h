// Points on the way to the end: validation losses between the first evaluation and the last, of the
// first few validation examples, at steps that the spec alone decides. They are a measurement and
// no setting, so no spec and no cell's id says anything of them (ADR 0027).
//
// The forward pass over as many examples as a step trains takes less than half of that step, since
// the backward pass takes no less than the forward pass. One for every 25 steps therefore costs
// less than 2 % of the steps' time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "config/run_spec.h"

namespace dtbench {

inline constexpr std::int64_t kStepsPerPointBatch = 25;
// From 500 steps on points become larger rather than more; with the last step, there are so many.
inline constexpr std::int64_t kFewestPoints = 20;

// Of the training batch's size.
inline std::int64_t batches_per_point(const TrainSpec& train) {
  return std::max<std::int64_t>(1, train.steps / (kFewestPoints * kStepsPerPointBatch));
}

// Steps from point to point; a run of no more steps has none.
inline std::int64_t point_every(const TrainSpec& train) {
  return kStepsPerPointBatch * batches_per_point(train);
}

// At most so many examples, the first ones of those that are evaluated.
inline std::int64_t point_examples(const TrainSpec& train) {
  return std::min(train.eval_examples, batches_per_point(train) * train.batch);
}

// Between the first evaluation and the last.
inline std::int64_t points_within(const TrainSpec& train, std::int64_t steps) {
  return (steps - 1) / point_every(train);
}

}  // namespace dtbench
