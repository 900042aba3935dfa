// From the gradients of one step's micro-batches to updated weights: unscale once, clip, update,
// and move the loss scale; or, where a scaled policy overflowed, drop the window whole (contract,
// "Policies": accumulation).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/model/parameters.h"
#include "engine/optim/loss_scaler.h"
#include "engine/optim/optimizer.h"

namespace dtbench {

class WeightUpdate {
 public:
  // Holds a reference to `parameters`.
  WeightUpdate(ParameterSet& parameters, const DtypePolicy& policy, const TrainSpec& train,
               std::int64_t seed);

  // What the loss's gradient is multiplied with; 1 without loss scaling.
  double loss_scale() const;

  struct Window {
    double grad_norm = 0;  // of the unscaled gradients, before clipping
    bool skipped = false;  // a scaled gradient overflowed
    double factor = 1;     // what the optimizer still multiplies gradients with
  };
  // Once a step, when the stored gradients are complete. Gradients in fp32 are unscaled and clipped
  // where they are; in 16 bits unscaled ones would lose what the scale is for, so there both go
  // into the factor. Synchronizes with the device.
  Window finish_gradients();

  // The optimizer's update, or none where the window is skipped; then the scaler's. `global_step`
  // counts skipped steps, too.
  UpdateCounts apply(const Window& window, double learning_rate, std::uint32_t global_step);

  // The end of a scaled policy: 50 skips in a row, or a scale below 1 (contract).
  bool scaler_is_exhausted() const;

  const Optimizer& optimizer() const { return *optimizer_; }
  const std::optional<LossScaler>& scaler() const { return scaler_; }
  // The optimizer's states and the scaler's, as handles to restore in place.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const;

 private:
  ParameterSet& parameters_;
  double clip_norm_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<LossScaler> scaler_;
};

}  // namespace dtbench
