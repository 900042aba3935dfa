// Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762, section 3.2.1), with the
// scores materialized: the reference form, in the order of Transformers' eager attention.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/TensorBody.h>
#include <c10/core/TensorOptions.h>

namespace dtbench::ops {

// Additive masks: 0 where a query may look, the datatype's lowest finite value where it may not, so
// that a row without any allowed key has the uniform distribution rather than NaN.

// [1, 1, T, T]: each token sees itself and those before it.
at::Tensor causal_mask(std::int64_t tokens, const at::TensorOptions& options);

// [B, 1, T, T]: additionally only keys that are real, per `attention_mask` [B, T] bool.
at::Tensor causal_padding_mask(const at::Tensor& attention_mask, const at::TensorOptions& options);

// softmax(query key^T / sqrt(D) + mask) value, for query, key and value [B, H, T, D] and a mask
// that broadcasts to [B, H, T, T]. Returns [B, H, T, D].
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask);

}  // namespace dtbench::ops
