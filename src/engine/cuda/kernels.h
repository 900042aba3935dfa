// The plug-in's kernels. Each is held to the CPU's implementation of the same operation.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/dropout.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

// engine/numerics/plugin.h says what these are given.
void dropout_cuda(const DropoutDraw& draw, const at::Tensor& x, at::Tensor& out);
void attention_softmax_cuda(at::Tensor& scores, const at::Tensor& forbidden, float scale);
void attention_softmax_backward_cuda(at::Tensor& scores, at::Tensor& gradient,
                                     const at::Tensor& forbidden, float scale);
void cross_entropy_cuda(at::Tensor& logits, const at::Tensor& targets, float factor,
                        bool want_gradient, at::Tensor& losses);

// engine/numerics/finite.h: ors into `flags` [1] int32 bit 0 when `values` (contiguous, floating)
// holds a NaN, bit 1 when it holds an infinity.
void nonfinite_flags_cuda(const at::Tensor& values, at::Tensor& flags);

// Same bits as fused_update and blockwise_update.
void adamw_cuda(const TensorUpdate& update, at::Tensor& counts);
void adamw_8bit_cuda(const TensorUpdate& update, const at::Tensor& tables, at::Tensor& counts);

}  // namespace dtbench
