// The plug-in's kernels. Each is held to the CPU's implementation of the same operation.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/dropout.h"
#include "engine/optim/step_decision.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

// engine/numerics/plugin.h says what these are given.
void dropout_cuda(const DropoutDraw& draw, const at::Tensor& x, at::Tensor& out);
void attention_softmax_cuda(at::Tensor& scores, const at::Tensor& mask, float scale);
void attention_softmax_backward_cuda(at::Tensor& scores, at::Tensor& gradient,
                                     const at::Tensor& mask, float scale);
void cross_entropy_cuda(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& factor,
                        bool want_gradient, at::Tensor& losses);

// engine/numerics/finite.h: ors into `flags` [1] int32 bit 0 when `values` (contiguous, floating)
// holds a NaN, bit 1 when it holds an infinity.
void nonfinite_flags_cuda(const at::Tensor& values, at::Tensor& flags);

void decide_update_cuda(StepScalars* scalars, const DecisionRule& rule, const at::Tensor& losses);
void end_update_cuda(StepScalars* scalars, bool scaled, const ScaleRule& rule, int index);
void clip_gradient_cuda(const StepScalars* scalars, at::Tensor& gradient);

// Same bits as fused_update and blockwise_update.
void adamw_cuda(const TensorUpdate& update, const at::Tensor& factors, StepScalars* scalars);
void adamw_8bit_cuda(const TensorUpdate& update, const at::Tensor& factors,
                     const at::Tensor& tables, StepScalars* scalars);

}  // namespace dtbench
