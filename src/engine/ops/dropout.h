// Dropout (Srivastava et al. 2014) with masks that can be paired: each element's draw is a function
// of (seed, site, step, sample's position in the global batch, token, channel) alone, so it is the
// same for every policy, device, micro-batch split, thread count and padded length.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "base/philox.h"
#include "engine/tape/tape.h"

namespace dtbench {

// What a forward pass's draws have in common.
struct DropoutContext {
  double probability = 0;  // 0: no dropout (evaluation)
  std::uint32_t seed = 0;
  std::uint32_t step = 0;          // global step, skipped ones counted
  std::uint32_t first_sample = 0;  // position in the global batch of the micro-batch's first sample
  // Where that is given, the step is read from there, in the memory of the draws' device, when they
  // are made: a launch that was captured draws anew in each step.
  const std::int64_t* step_address = nullptr;
};

// One mask's draws. Element (row, token, channel) takes word channel % 4 of
// philox(counter = {step, first_sample + row, token, channel / 4}, key = {seed, stream}) and is
// dropped when that word is below `threshold`.
struct DropoutDraw {
  PhiloxKey key;
  std::uint32_t step;
  const std::int64_t* step_address;  // takes the place of `step`; null: none
  std::uint32_t first_sample;
  std::uint32_t threshold;
  float kept_value;  // 1 / (1 - p); a dropped element has 0
};

namespace ops {

// x [B, T, C]: x * mask, computed in fp32 (fp64 for fp64) and rounded once. `site` numbers the
// places of a model that drop.
Value dropout(Tape& tape, const Value& x, std::uint32_t site, const DropoutContext& context);

// The mask [B, T, C] itself, fp32, for tests and for kernels that are held to it.
at::Tensor dropout_mask(at::IntArrayRef shape, std::uint32_t site, const DropoutContext& context,
                        const at::Device& device);

}  // namespace ops
}  // namespace dtbench
