// One micro-batch forward and backward.
#pragma once

#include "engine/model/model.h"

namespace dtbench {

struct Pass {
  ComputeRules rules;
  DropoutContext dropout = {};
  NodeObserver* observer = nullptr;  // not owned
};

// Hands each parameter's gradient of the micro-batch's share of the loss (times normalizer.scale)
// to `sink`, and returns that share, an fp64 scalar on the parameters' device.
at::Tensor differentiate(const Model& model, const MicroBatch& batch, const Pass& pass,
                         const LossNormalizer& normalizer, const Tape::LeafSink& sink);

// Adds the gradients to those that `parameters` store.
Tape::LeafSink into(ParameterSet& parameters);

}  // namespace dtbench
