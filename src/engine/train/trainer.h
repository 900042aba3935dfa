// One global step: gradients over all micro-batches, clipping, update, and the search for the first
// non-finite value at each of the three places.
#pragma once

#include <c10/core/Device.h>

#include <optional>

#include "engine/model/model.h"
#include "engine/model/weights_file.h"
#include "engine/optim/adamw.h"
#include "engine/train/batches.h"
#include "engine/train/constant_predictor.h"
#include "engine/train/events.h"

namespace dtbench {

// Everything that a step reads and writes, on one device.
class Trainer {
 public:
  // Draws or loads the initial weights.
  Trainer(const RunSpec& spec, const TokenStore& store, const c10::Device& device);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  struct Gradients {
    StepEvent event;
    std::optional<NonFiniteEvent> nonfinite;
  };
  // Forward and backward over the step's micro-batches and clipping. Changes no parameter, so it
  // can be given up at any point.
  Gradients compute_gradients(std::int64_t step);

  // The optimizer's update, then the check of the updated parameters.
  std::optional<NonFiniteEvent> apply_gradients(std::int64_t step, double learning_rate);

  Evaluation evaluate() const;
  std::int64_t evaluation_examples() const;
  // The best constant answer on the same validation targets.
  const ConstantPredictor& constant() const { return constant_; }

  const RunSpec& spec() const { return spec_; }
  const ModelShape& shape() const { return shape_; }
  const TokenStore& store() const { return store_; }
  const BatchSource& batches() const { return source_; }
  const c10::Device& device() const { return device_; }
  const ParameterSet& parameters() const { return parameters_; }
  const Model& model() const { return model_; }
  AdamW& optimizer() { return optimizer_; }
  const AdamW& optimizer() const { return optimizer_; }
  const LoadedWeights& loaded() const { return loaded_; }

 private:
  std::optional<NonFiniteEvent> first_nonfinite_gradient(std::int64_t step, double norm) const;
  std::optional<NonFiniteEvent> first_nonfinite_loss(std::int64_t step,
                                                     const at::Tensor& losses) const;

  RunSpec spec_;
  const TokenStore& store_;
  c10::Device device_;
  ModelShape shape_;
  BatchSource source_;
  ParameterSet parameters_;
  Model model_;
  LoadedWeights loaded_;
  AdamW optimizer_;
  ConstantPredictor constant_;
};

}  // namespace dtbench
