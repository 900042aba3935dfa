// What training tells its observers. The loop knows no observer by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/optim/tensor_update.h"
#include "engine/train/evaluation.h"
#include "engine/train/first_nonfinite.h"

namespace dtbench {

struct StepEvent {
  std::int64_t step = 0;
  double loss = 0;
  double grad_norm = 0;
  double learning_rate = 0;
  double seconds = 0;                         // from the batch's assembly to the updated parameters
  double data_seconds = 0;                    // of those, waiting for the batch
  std::optional<double> device_seconds = {};  // of the device's own work, by its events; GPUs
  bool warmup = false;                        // timing: among the first steps of this process
  std::int64_t samples = 0;
  std::int64_t tokens = 0;  // padded
  std::int64_t real_tokens = 0;
  double flops_needed = 0, flops_palm = 0;
  std::optional<double> loss_scale = {};  // in force in this step; scaled policies
  bool skipped = false;                   // an overflow that the scaler caught: no update
  UpdateCounts updates = {};              // all zero where there was none
};

class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_step(const StepEvent&) {}
  virtual void on_evaluation(std::int64_t /*step*/, const Evaluation&, double /*seconds*/) {}
  // Between evaluations (config/validation_points.h).
  virtual void on_validation_point(std::int64_t /*step*/, double /*loss*/, double /*seconds*/) {}
  virtual void on_nonfinite(const NonFiniteEvent&) {}
};

}  // namespace dtbench
