// Dropout without a mask in memory: one thread a Philox counter, that is four channels of one
// token.
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

template <typename T>
__global__ void drop(DropoutDraw draw, std::int64_t tokens, std::int64_t channels,
                     std::int64_t groups, std::int64_t rows, const T* x, T* out) {
  using Inside = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const std::uint32_t step =
      draw.step_address != nullptr ? static_cast<std::uint32_t>(*draw.step_address) : draw.step;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i < rows * groups; i += stride) {
    const std::int64_t row = i / groups, group = i % groups;  // row: b * T + t
    const PhiloxWords words = philox4x32_10(
        {{step, draw.first_sample + static_cast<std::uint32_t>(row / tokens),
          static_cast<std::uint32_t>(row % tokens), static_cast<std::uint32_t>(group)}},
        draw.key);
    for (int lane = 0; lane < 4 && 4 * group + lane < channels; ++lane) {
      const std::int64_t at = row * channels + 4 * group + lane;
      const float mask = words.v[lane] < draw.threshold ? 0.0f : draw.kept_value;
      // Multiplied, not chosen: 0 times a NaN or an infinity is NaN.
      out[at] = static_cast<T>(static_cast<Inside>(x[at]) * static_cast<Inside>(mask));
    }
  }
}

template <typename T>
void launch(const DropoutDraw& draw, const at::Tensor& x, at::Tensor& out) {
  const std::int64_t tokens = x.size(1), channels = x.size(2);
  const std::int64_t rows = x.size(0) * tokens, groups = (channels + 3) / 4;
  if (rows * groups == 0) return;
  constexpr int kThreads = 256;
  const auto blocks = static_cast<unsigned>(
      std::min<std::int64_t>((rows * groups + kThreads - 1) / kThreads, 65535));
  drop<T><<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      draw, tokens, channels, groups, rows, x.const_data_ptr<T>(), out.mutable_data_ptr<T>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void dropout_cuda(const DropoutDraw& draw, const at::Tensor& x, at::Tensor& out) {
  const c10::cuda::CUDAGuard guard(x.device());
  switch (x.scalar_type()) {
    case at::kDouble:
      return launch<double>(draw, x, out);
    case at::kFloat:
      return launch<float>(draw, x, out);
    case at::kBFloat16:
      return launch<c10::BFloat16>(draw, x, out);
    case at::kHalf:
      return launch<c10::Half>(draw, x, out);
    default:
      throw std::logic_error("dropout_cuda wants a floating datatype");
  }
}

}  // namespace dtbench
