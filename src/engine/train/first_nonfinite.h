// The search for the first non-finite value of a step, in the contract's order: loss, gradients,
// updated parameters; tensors in the order of the parameters.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/model/parameters.h"
#include "record/phase.h"

namespace dtbench {

struct NonFiniteEvent {
  std::int64_t step;
  std::int64_t micro_step;  // -1 where a whole step is meant
  Phase phase;              // where it arose
  NonfiniteKind kind;       // what was found in `tensor`
  std::string tensor;       // "loss", "grad_norm", or the parameter's name
  std::int64_t layer;       // -1 outside the layers
  // The first operation with a non-finite result (train/nonfinite_origin.h), and its module:
  // "layer_norm", "transformer.h.0.ln_1"; "": not known.
  std::string operation = {}, module = {};
};

// losses [k] fp64 on the CPU, one a micro-batch.
std::optional<NonFiniteEvent> first_nonfinite_loss(std::int64_t step, const at::Tensor& losses);

// A finite norm proves every gradient finite; only otherwise is the first one looked for. Where all
// are finite but their norm is beyond its datatype, clipping has zeroed them: that is "grad_norm".
std::optional<NonFiniteEvent> first_nonfinite_gradient(std::int64_t step, ParameterSet& parameters,
                                                       double norm);

// `optimizer`: the operation that made it, for the event.
std::optional<NonFiniteEvent> first_nonfinite_parameter(std::int64_t step,
                                                        const ParameterSet& parameters,
                                                        const char* optimizer);

}  // namespace dtbench
