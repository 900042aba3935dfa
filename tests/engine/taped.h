// The engine's operations as torch's autograd sees them, so that a test can ask torch for gradients
// of ours and of an fp64 oracle alike: each call runs on a tape of its own, whose backward pass
// torch calls. dtbench::testing::ops hides dtbench::ops where an operation has such a form.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "engine/numerics/compute_rules.h"
#include "engine/ops/attention.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/dropout.h"
#include "engine/ops/loss.h"
#include "engine/ops/matmul.h"

namespace dtbench::testing {

// `operation` on leaves that are `inputs`, some of which may be undefined. The result requires a
// gradient where an input does; where torch records none, the tape is forward-only.
at::Tensor taped(const std::vector<at::Tensor>& inputs,
                 const std::function<Value(Tape&, const Values&)>& operation);

namespace ops {

using namespace dtbench::ops;

at::Tensor as_operand(CastOp op, const at::Tensor& x, const ComputeRules& rules);
at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules);
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules);
at::Tensor gelu_tanh(const at::Tensor& x, const ComputeRules& rules);
at::Tensor gelu_exact(const at::Tensor& x, const ComputeRules& rules);
at::Tensor tanh(const at::Tensor& x);
at::Tensor embedding(const at::Tensor& weight, const at::Tensor& ids,
                     std::int64_t padding_index = -1);
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon, const ComputeRules& rules);
at::Tensor dropout(const at::Tensor& x, std::uint32_t site, const DropoutContext& context);
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask);
at::Tensor attention_in_blocks(const at::Tensor& query, const at::Tensor& key,
                               const at::Tensor& value, const at::Tensor& mask,
                               std::int64_t block_bytes);
at::Tensor fused_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const dtbench::ops::KeyMask& mask);
at::Tensor lm_head_loss(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                        const at::Tensor& targets, const LossNormalizer& normalizer,
                        const ComputeRules& rules);
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const LossNormalizer& normalizer);
at::Tensor cross_entropy_chain(const at::Tensor& logits, const at::Tensor& targets,
                               const LossNormalizer& normalizer);
at::Tensor binary_cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                                const LossNormalizer& normalizer);
at::Tensor binary_cross_entropy_chain(const at::Tensor& logits, const at::Tensor& targets,
                                      const LossNormalizer& normalizer);

}  // namespace ops
}  // namespace dtbench::testing
