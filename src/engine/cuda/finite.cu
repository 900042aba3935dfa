// NaN and infinity from the bits: an exponent of all ones, with or without a mantissa.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <stdexcept>

#include "engine/cuda/kernels.h"

namespace dtbench {
namespace {

template <typename Bits>
__global__ void find_flags(const Bits* values, std::int64_t count, Bits infinity, int* flags) {
  const Bits magnitude_mask = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  int found = 0;
  std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i < count; i += stride) {
    const Bits magnitude = values[i] & magnitude_mask;
    if (magnitude > infinity) found |= 1;
    if (magnitude == infinity) found |= 2;
  }
  if (found != 0) atomicOr(flags, found);
}

template <typename Bits>
void launch(const at::Tensor& values, Bits infinity, at::Tensor& flags) {
  const std::int64_t count = values.numel();
  if (count == 0) return;
  constexpr int kThreads = 256;
  const auto blocks =
      static_cast<unsigned>(std::min<std::int64_t>((count + kThreads - 1) / kThreads, 4096));
  find_flags<Bits><<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      static_cast<const Bits*>(values.const_data_ptr()), count, infinity,
      flags.mutable_data_ptr<int>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void nonfinite_flags_cuda(const at::Tensor& values, at::Tensor& flags) {
  const c10::cuda::CUDAGuard guard(values.device());
  switch (values.scalar_type()) {
    case at::kDouble:
      return launch<unsigned long long>(values, 0x7ff0000000000000ull, flags);
    case at::kFloat:
      return launch<unsigned int>(values, 0x7f800000u, flags);
    case at::kBFloat16:
      return launch<unsigned short>(values, 0x7f80u, flags);
    case at::kHalf:
      return launch<unsigned short>(values, 0x7c00u, flags);
    default:
      throw std::logic_error("nonfinite_flags_cuda wants a floating datatype");
  }
}

}  // namespace dtbench
