// The learning rate of a step: linear warm-up over the preset's steps (train.warmup_steps, ADR
// 0023), then constant, so that a longer run extends a shorter.
#pragma once

#include <cstdint>

namespace dtbench {

// `step` counts from 0; step w - 1 of a warm-up of w steps is the first at the full rate.
double learning_rate(double rate, std::int64_t warmup_steps, std::int64_t step);

}  // namespace dtbench
