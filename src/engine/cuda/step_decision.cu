// The step's decisions where its scalars lie: one thread each, so that the host need not wait for
// the norm to know whether and by what to clip. By the same arithmetic as the CPU's
// (optim/step_decision.h), not contracted: the same bits.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "engine/cuda/kernels.h"

namespace dtbench {
namespace {

__global__ void decide(StepScalars* scalars, DecisionRule rule, const double* losses,
                       std::int64_t count) {
  decide_update(*scalars, rule, losses, count);
}

__global__ void end(StepScalars* scalars, bool scaled, ScaleRule rule) {
  end_update(*scalars, scaled, rule);
}

// One pass over memory, and none where nothing is clipped.
template <typename T>
__global__ void clip(const StepScalars* scalars, T* gradient, std::int64_t count) {
  using Inside = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const double exact = scalars->clip_coefficient;
  if (exact == 1) return;
  const auto coefficient = static_cast<Inside>(exact);
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i < count; i += stride)
    gradient[i] = static_cast<T>(static_cast<Inside>(gradient[i]) * coefficient);
}

template <typename T>
void launch_clip(const StepScalars* scalars, at::Tensor& gradient) {
  const std::int64_t count = gradient.numel();
  if (count == 0) return;
  constexpr int kThreads = 256;
  const auto blocks =
      static_cast<unsigned>(std::min<std::int64_t>((count + kThreads - 1) / kThreads, 65535));
  clip<T><<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      scalars, gradient.mutable_data_ptr<T>(), count);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void decide_update_cuda(StepScalars* scalars, const DecisionRule& rule, const at::Tensor& losses) {
  const c10::cuda::CUDAGuard guard(losses.device());
  decide<<<1, 1, 0, c10::cuda::getCurrentCUDAStream()>>>(
      scalars, rule, losses.const_data_ptr<double>(), losses.numel());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void end_update_cuda(StepScalars* scalars, bool scaled, const ScaleRule& rule, int index) {
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(index));
  end<<<1, 1, 0, c10::cuda::getCurrentCUDAStream()>>>(scalars, scaled, rule);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void clip_gradient_cuda(const StepScalars* scalars, at::Tensor& gradient) {
  const c10::cuda::CUDAGuard guard(gradient.device());
  if (!gradient.is_contiguous())
    throw std::logic_error("clip_gradient_cuda wants a contiguous gradient");
  switch (gradient.scalar_type()) {
    case at::kDouble:
      return launch_clip<double>(scalars, gradient);
    case at::kFloat:
      return launch_clip<float>(scalars, gradient);
    case at::kBFloat16:
      return launch_clip<c10::BFloat16>(scalars, gradient);
    case at::kHalf:
      return launch_clip<c10::Half>(scalars, gradient);
    default:
      throw std::logic_error("clip_gradient_cuda wants a floating datatype");
  }
}

}  // namespace dtbench
