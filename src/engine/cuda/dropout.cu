// Dropout masks: one thread a Philox counter, that is four channels of one token.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "engine/cuda/kernels.h"

namespace dtbench {
namespace {

__global__ void fill_mask(DropoutDraw draw, std::int64_t tokens, std::int64_t channels,
                          std::int64_t groups, std::int64_t rows, float* out) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i < rows * groups; i += stride) {
    const std::int64_t row = i / groups, group = i % groups;  // row: b * T + t
    const PhiloxWords words = philox4x32_10(
        {{draw.step, draw.first_sample + static_cast<std::uint32_t>(row / tokens),
          static_cast<std::uint32_t>(row % tokens), static_cast<std::uint32_t>(group)}},
        draw.key);
    for (int lane = 0; lane < 4 && 4 * group + lane < channels; ++lane)
      out[row * channels + 4 * group + lane] =
          words.v[lane] < draw.threshold ? 0.0f : draw.kept_value;
  }
}

}  // namespace

void dropout_mask_cuda(const DropoutDraw& draw, at::Tensor& mask) {
  const c10::cuda::CUDAGuard guard(mask.device());
  const std::int64_t tokens = mask.size(1), channels = mask.size(2);
  const std::int64_t rows = mask.size(0) * tokens, groups = (channels + 3) / 4;
  if (rows * groups == 0) return;
  constexpr int kThreads = 256;
  const auto blocks = static_cast<unsigned>(
      std::min<std::int64_t>((rows * groups + kThreads - 1) / kThreads, 65535));
  fill_mask<<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      draw, tokens, channels, groups, rows, mask.mutable_data_ptr<float>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace dtbench
