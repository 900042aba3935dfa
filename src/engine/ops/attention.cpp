#include "engine/ops/attention.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

namespace dtbench::ops {
namespace {

double lowest_finite(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return std::numeric_limits<double>::lowest();
    case at::kHalf:
      return -65504.0;
    default:  // bf16 takes fp32's lowest rounded towards zero
      return type == at::kBFloat16 ? -0x1.fep127 : std::numeric_limits<float>::lowest();
  }
}

at::Tensor additive(const at::Tensor& allowed, const at::TensorOptions& options) {
  const double lowest = lowest_finite(c10::typeMetaToScalarType(options.dtype()));
  return at::zeros(allowed.sizes(), options).masked_fill(allowed.logical_not(), lowest);
}

at::Tensor causal(std::int64_t tokens, const at::TensorOptions& options) {
  return at::ones({tokens, tokens}, options.dtype(at::kBool)).tril().view({1, 1, tokens, tokens});
}

}  // namespace

at::Tensor causal_mask(std::int64_t tokens, const at::TensorOptions& options) {
  return additive(causal(tokens, options), options);
}

at::Tensor causal_padding_mask(const at::Tensor& attention_mask, const at::TensorOptions& options) {
  const std::int64_t batch = attention_mask.size(0), tokens = attention_mask.size(1);
  const at::Tensor real_keys = attention_mask.to(at::kBool).view({batch, 1, 1, tokens});
  return additive(causal(tokens, options).logical_and(real_keys), options);
}

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(-1)));
  const at::Tensor scores = at::matmul(query, key.transpose(-1, -2)) * scale + mask;
  return at::matmul(at::softmax(scores, -1), value);
}

}  // namespace dtbench::ops
