// The numbers of a step beside the model's tensors: one small struct in the memory of the step's
// device. Kernels take its address, so that a step launches without waiting for any of them, and
// could be captured as a CUDA graph. For CPU and GPU: no header of ATen.
#pragma once

#include <cstdint>

namespace dtbench {

struct StepScalars {
  // What later steps depend on. Changed by the device alone.
  std::int64_t updates;  // of the weights so far; skipped steps are none
  std::int64_t skipped_in_a_row;
  float loss_scale;  // 1 without a scaler
  std::int32_t growth_tracker;

  // Inputs: written by the host before the step's first launch.
  std::int64_t step;  // global, skipped ones counted: the counter of the draws
  double learning_rate;
  double targets;               // N
  std::int32_t hold_nonfinite;  // whether a loss or norm that is not finite holds the update back
  float inverse_scale;          // the fp32 number nearest to 1 / loss_scale
  float loss_scale_in_force;    // loss_scale, before this step moves it

  // Results; zero (the update's switch and factors: 1) when the step begins.
  float overflow;                    // 1: a scaled fp32 gradient is not finite
  std::int32_t nonfinite_gradients;  // of scaled 16-bit ones; bit 0: NaN, bit 1: infinity
  std::int32_t nonfinite_values;     // likewise, of the updated parameters
  double stored_norm;       // of the stored gradients: unscaled ones only where they are fp32
  double grad_norm;         // of the unscaled gradients, before clipping
  double clip_coefficient;  // what the stored gradients are multiplied by
  double gradient_factor;   // what the optimizer still multiplies gradients by
  std::int32_t skipped;     // a scaled gradient overflowed: the window is dropped whole
  std::int32_t held;        // something is not finite, and the host is to look first
  std::int32_t update;      // whether the optimizer changes anything: neither skipped nor held
  std::int32_t reserved;    // keeps what follows aligned
  // What the update lost (optim/tensor_update.h).
  std::int64_t lost_weight_updates, lost_v_updates, zero_point_hits;
};

}  // namespace dtbench
