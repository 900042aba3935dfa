#include "engine/ops/attention_softmax.h"

#include <ATen/ATen.h>

#include "engine/numerics/plugin.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention_numbers.h"

namespace dtbench::ops {
namespace {

// Whether the plug-in's kernels, of one pass over the memory, know these scores.
bool has_kernel(const at::Tensor& scores) {
  constexpr std::int64_t kLongestRow = 2048;
  return scores.is_cuda() && scores.scalar_type() != at::kDouble && scores.size(-1) <= kLongestRow;
}

// In the accumulation datatype.
at::Tensor unrounded_probabilities(const at::Tensor& scores, const at::Tensor& mask, double scale) {
  const at::ScalarType inside = accumulation_type(scores.scalar_type());
  at::Tensor scaled = scores.to(inside).mul_(scale);
  if (mask.defined()) scaled.masked_fill_(mask, lowest_of(inside));
  return at::softmax(scaled, -1);
}

}  // namespace

at::Tensor attention_probabilities(at::Tensor scores, const at::Tensor& mask, double scale) {
  if (has_kernel(scores)) {
    cuda_plugin().attention_softmax(scores, mask, static_cast<float>(scale));
    return scores;
  }
  return unrounded_probabilities(scores, mask, scale).to(scores.scalar_type());
}

ScoreGradient attention_softmax_backward(at::Tensor scores, at::Tensor gradient,
                                         const at::Tensor& mask, double scale) {
  if (has_kernel(scores)) {
    cuda_plugin().attention_softmax_backward(scores, gradient, mask, static_cast<float>(scale));
    return {std::move(scores), std::move(gradient)};
  }
  const at::ScalarType stored = scores.scalar_type();
  const at::Tensor attended = unrounded_probabilities(std::exchange(scores, {}), mask, scale);
  const at::Tensor score_gradient = at::_softmax_backward_data(gradient.to(attended.scalar_type()),
                                                               attended, -1, attended.scalar_type())
                                        .mul_(scale)
                                        .to(stored);
  return {attended.to(stored), score_gradient};
}

}  // namespace dtbench::ops
