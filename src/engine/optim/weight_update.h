// From the gradients of one step's micro-batches to updated weights: unscale once, clip, update,
// and move the loss scale; or, where a scaled policy overflowed, drop the window whole (contract,
// "Policies": accumulation). Everything is launched on the device that the parameters are on, which
// decides by itself what happens (optim/step_decision.h); read() waits for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/model/parameters.h"
#include "engine/numerics/device_scalars.h"
#include "engine/ops/loss.h"
#include "engine/optim/loss_scaler.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

class WeightUpdate {
 public:
  // Holds a reference to `parameters`.
  WeightUpdate(ParameterSet& parameters, const DtypePolicy& policy, const TrainSpec& train,
               std::int64_t seed);

  // Before a step's first launch.
  void begin(const StepInputs& inputs) { scalars_.begin(inputs); }

  // What the step's losses are divided by and their gradients multiplied with, on the device.
  LossNormalizer normalizer() const;
  // The loss of a micro-batch of the step, fp64.
  void record_loss(std::int64_t micro_batch, const at::Tensor& loss);

  // Once a step, when the stored gradients are complete. Gradients in fp32 are unscaled and clipped
  // where they are; in 16 bits unscaled ones would lose what the scale is for, so there both go
  // into the factor.
  void finish_gradients();

  // The optimizer's update, or none where the step is skipped or held back; then the scaler's. A
  // step that is held back has not ended: release() and apply() end it.
  void apply();
  void release();

  struct Window {
    double grad_norm = 0;  // of the unscaled gradients, before clipping
    bool skipped = false;  // a scaled gradient overflowed
    bool held = false;     // a loss or the norm is not finite, and the host wants to look first
    double factor = 1;     // what the optimizer still multiplies gradients with
  };
  // What has become of the step until now. Waits for the device.
  Window read();
  // Of the step that was applied and read last; all zero where it changed nothing.
  UpdateCounts update_counts() const;
  // fp64 on the CPU, one a micro-batch, as of the last read().
  at::Tensor losses() const { return scalars_.read_losses(); }

  // As of the last read(), the scale for the next step; 1 without loss scaling.
  double loss_scale() const { return scalars_.known().loss_scale; }
  // The end of a scaled policy: 50 skips in a row, or a scale below 1 (contract). As of read().
  bool scaler_is_exhausted() const;
  // Updates so far; skipped steps are none. As of read().
  std::int64_t updates() const { return scalars_.known().updates; }

  DeviceScalars& scalars() { return scalars_; }
  const Optimizer& optimizer() const { return *optimizer_; }
  const std::optional<LossScaler>& scaler() const { return scaler_; }
  // The optimizer's states, optimizer_updates and the scaler's, as handles to restore in place.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const;

 private:
  ParameterSet& parameters_;
  double clip_norm_;
  DeviceScalars scalars_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<LossScaler> scaler_;
  Optimizer::Reach reach_;
};

}  // namespace dtbench
