#include "engine/ops/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "engine/numerics/plugin.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/dropout_draws.h"

namespace dtbench::ops {
namespace {

void fill_cpu(DropoutDraw draw, at::Tensor& mask) {
  if (draw.step_address != nullptr) draw.step = static_cast<std::uint32_t>(*draw.step_address);
  const std::int64_t tokens = mask.size(1), channels = mask.size(2);
  float* out = mask.data_ptr<float>();
  at::parallel_for(
      0, mask.size(0) * tokens, /*grain_size=*/64, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          kernels::fill_token(
              {draw.key, draw.step, draw.first_sample + static_cast<std::uint32_t>(i / tokens),
               static_cast<std::uint32_t>(i % tokens), draw.threshold, draw.kept_value},
              channels, out + i * channels);
      });
}

DropoutDraw draw_at(std::uint32_t site, const DropoutContext& context) {
  return {{context.seed, stream::kDropout + site},
          context.step,
          context.step_address,
          context.first_sample,
          probability_threshold(context.probability),
          static_cast<float>(1.0 / (1.0 - context.probability))};
}

at::Tensor masked(const at::Tensor& x, std::uint32_t site, const DropoutContext& context) {
  if (x.is_cuda()) {
    at::Tensor result = at::empty(x.sizes(), x.options());
    cuda_plugin().dropout(draw_at(site, context), x.contiguous(), result);
    return result;
  }
  const at::Tensor mask = dropout_mask(x.sizes(), site, context, x.device());
  return (x.to(accumulation_type(x.scalar_type())) * mask).to(x.scalar_type());
}

}  // namespace

at::Tensor dropout_mask(at::IntArrayRef shape, std::uint32_t site, const DropoutContext& context,
                        const at::Device& device) {
  const at::TensorOptions options = at::TensorOptions(device).dtype(at::kFloat);
  if (device.is_cuda()) return masked(at::ones(shape, options), site, context);
  at::Tensor mask = at::empty(shape, options);
  fill_cpu(draw_at(site, context), mask);
  return mask;
}

Value dropout(Tape& tape, const Value& x, std::uint32_t site, const DropoutContext& context) {
  if (context.probability == 0) return x;
  // The mask is drawn again in the backward pass rather than kept.
  return tape.record(
      "dropout", {x}, masked(x.tensor(), site, context),
      [site, context](Tensors dy) -> Tensors { return {masked(dy[0], site, context)}; });
}

}  // namespace dtbench::ops
