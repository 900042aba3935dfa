// A step's scalars (numerics/step_scalars.h) and its losses on the step's device: written without
// waiting, and read back by one copy. On a CPU they are plain memory, which the host reads at will.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

#include "engine/numerics/step_scalars.h"

namespace dtbench {

struct StepInputs {
  std::int64_t step = 0;
  double learning_rate = 0;
  double targets = 1;
  bool hold_nonfinite = false;
};

class DeviceScalars {
 public:
  // `losses`: how many micro-batches a step has at most.
  explicit DeviceScalars(const c10::Device& device, std::int64_t losses = 1);
  DeviceScalars(const DeviceScalars&) = delete;
  DeviceScalars& operator=(const DeviceScalars&) = delete;

  // Before a step's first launch: sets its inputs and clears its results, in one copy to the
  // device. Waits for the device only if nobody has read the step before.
  void begin(const StepInputs& inputs);

  // The values once the device has done what it was asked until now: waits for it, once. The next
  // begin() overwrites them.
  const StepScalars& read();
  // What the host knows without waiting: this step's inputs, and the state before it. On a CPU,
  // all.
  const StepScalars& known() const { return *host(); }
  // All of it on a CPU, where nobody waits; null on a GPU.
  StepScalars* at_hand() const;

  const c10::Device& device() const { return device_; }
  // On the device, for kernels alone.
  StepScalars* address() const;

  // One number, as a tensor without dimensions that shares its memory.
  at::Tensor tensor(std::int64_t StepScalars::* member) const;
  at::Tensor tensor(std::int32_t StepScalars::* member) const;
  at::Tensor tensor(double StepScalars::* member) const;
  at::Tensor tensor(float StepScalars::* member) const;
  // Likewise, to be written from outside a step: the next begin() reads it first.
  template <typename T>
  at::Tensor state(T StepScalars::* member) const {
    is_read_ = false;
    return tensor(member);
  }

  // [n] fp64, one a micro-batch: on the device, and as read() left them on the host.
  at::Tensor losses() const { return losses_in(bytes_); }
  at::Tensor read_losses() const { return losses_in(host_bytes_); }

 private:
  StepScalars* host() const;
  at::Tensor losses_in(const at::Tensor& bytes) const;

  c10::Device device_;
  std::int64_t losses_;
  at::Tensor bytes_, host_bytes_;  // uint8: the struct, then the losses; one tensor on a CPU
  mutable bool is_read_ = false;
};

}  // namespace dtbench
