// Softmax cross-entropy: one thread block a row of logits. They are read from memory once (the
// later passes find the row in the cache) and overwritten by their gradient.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/macros/Macros.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <stdexcept>

#include "engine/cuda/block_reduce.cuh"
#include "engine/cuda/kernels.h"
#include "engine/numerics/ignored_target.h"

namespace dtbench {
namespace {

constexpr int kThreads = 512;

template <typename T>
__global__ void loss_and_gradient(T* logits, std::int64_t row_stride, const std::int64_t* targets,
                                  std::int64_t classes, const double* factor, bool want_gradient,
                                  float* losses) {
  __shared__ float shared[kThreads / kWarp];
  T* row = logits + blockIdx.x * row_stride;
  const bool ignored = targets[blockIdx.x] == kIgnoredTarget;
  const std::int64_t target = ignored ? 0 : targets[blockIdx.x];
  CUDA_KERNEL_ASSERT(target >= 0 && target < classes);
  const float at_target = static_cast<float>(row[target]);

  float largest = -INFINITY;
  for (std::int64_t i = threadIdx.x; i < classes; i += kThreads)
    largest = fmaxf(largest, static_cast<float>(row[i]));
  largest = across_block<kThreads>(largest, shared, Larger());

  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < classes; i += kThreads)
    sum += expf(static_cast<float>(row[i]) - largest);
  sum = across_block<kThreads>(sum, shared, Sum());

  if (threadIdx.x == 0) losses[blockIdx.x] = ignored ? 0 : largest + logf(sum) - at_target;
  if (!want_gradient) return;
  // (e - onehot sum) / sum = softmax - onehot
  const float share = ignored ? 0 : static_cast<float>(*factor) / sum;
  for (std::int64_t i = threadIdx.x; i < classes; i += kThreads) {
    const float e = expf(static_cast<float>(row[i]) - largest);
    row[i] = static_cast<T>((i == target ? e - sum : e) * share);
  }
}

template <typename T>
void launch(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& factor,
            bool want_gradient, at::Tensor& losses) {
  loss_and_gradient<T>
      <<<static_cast<unsigned>(logits.size(0)), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
          logits.mutable_data_ptr<T>(), logits.stride(0), targets.const_data_ptr<std::int64_t>(),
          logits.size(1), factor.const_data_ptr<double>(), want_gradient,
          losses.mutable_data_ptr<float>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void cross_entropy_cuda(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& factor,
                        bool want_gradient, at::Tensor& losses) {
  const c10::cuda::CUDAGuard guard(logits.device());
  if (logits.stride(1) != 1 || !targets.is_contiguous())
    throw std::logic_error("cross_entropy_cuda wants contiguous rows of logits, and targets");
  if (logits.size(0) == 0) return;
  switch (logits.scalar_type()) {
    case at::kFloat:
      return launch<float>(logits, targets, factor, want_gradient, losses);
    case at::kBFloat16:
      return launch<c10::BFloat16>(logits, targets, factor, want_gradient, losses);
    case at::kHalf:
      return launch<c10::Half>(logits, targets, factor, want_gradient, losses);
    default:
      throw std::logic_error("cross_entropy_cuda wants fp32, bf16 or fp16 logits");
  }
}

}  // namespace dtbench
