// Attention's softmax: one thread block a row of scores, which its threads hold in registers, so
// that scores and gradients are read once and written once.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cfloat>
#include <stdexcept>

#include "engine/cuda/block_reduce.cuh"
#include "engine/cuda/kernels.h"

namespace dtbench {
namespace {

constexpr int kThreads = 128;

// Which keys of a row are forbidden; strides of 0 where the mask broadcasts.
struct Forbidden {
  const bool* mask;  // null: none
  std::int64_t sample_stride, row_stride;
};

// Rows are those of [samples, heads, queries, keys].
struct Shape {
  unsigned rows, rows_of_sample, queries;
  int keys;
};

// A thread's share of a row: keys threadIdx.x, threadIdx.x + kThreads, ...
__device__ int key_at(int i) {
  return static_cast<int>(threadIdx.x) + i * kThreads;
}

// The unrounded probabilities of this thread block's row; 0 beyond its end.
template <typename T, int kEach>
__device__ void probabilities_of_row(const T* scores, const Forbidden& forbidden,
                                     const Shape& shape, float scale, float (&values)[kEach],
                                     float (&shared)[kThreads / kWarp]) {
  const bool* mask = forbidden.mask;
  if (mask != nullptr)
    mask += blockIdx.x / shape.rows_of_sample * forbidden.sample_stride +
            blockIdx.x % shape.queries * forbidden.row_stride;
  float largest = -INFINITY;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    if (key_at(i) >= shape.keys) continue;
    values[i] = static_cast<float>(scores[key_at(i)]) * scale;
    if (mask != nullptr && mask[key_at(i)]) values[i] = -FLT_MAX;
    largest = fmaxf(largest, values[i]);
  }
  largest = across_block<kThreads>(largest, shared, Larger());
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    values[i] = key_at(i) < shape.keys ? expf(values[i] - largest) : 0.0f;
    sum += values[i];
  }
  const float inverse = 1 / across_block<kThreads>(sum, shared, Sum());
#pragma unroll
  for (int i = 0; i < kEach; ++i)
    values[i] *= inverse;
}

template <typename T, int kEach>
__global__ void __launch_bounds__(kThreads)
    softmax(T* scores, Forbidden forbidden, Shape shape, float scale) {
  __shared__ float shared[kThreads / kWarp];
  T* row = scores + static_cast<std::int64_t>(blockIdx.x) * shape.keys;
  float values[kEach];
  probabilities_of_row(row, forbidden, shape, scale, values, shared);
#pragma unroll
  for (int i = 0; i < kEach; ++i)
    if (key_at(i) < shape.keys) row[key_at(i)] = static_cast<T>(values[i]);
}

template <typename T, int kEach>
__global__ void __launch_bounds__(kThreads)
    softmax_backward(T* scores, T* gradient, Forbidden forbidden, Shape shape, float scale) {
  __shared__ float shared[kThreads / kWarp];
  T* row = scores + static_cast<std::int64_t>(blockIdx.x) * shape.keys;
  T* row_gradient = gradient + static_cast<std::int64_t>(blockIdx.x) * shape.keys;
  float upstream[kEach], values[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i)
    upstream[i] = key_at(i) < shape.keys ? static_cast<float>(row_gradient[key_at(i)]) : 0.0f;
  probabilities_of_row(row, forbidden, shape, scale, values, shared);
  float dot = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i)
    dot += values[i] * upstream[i];
  dot = across_block<kThreads>(dot, shared, Sum());
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    if (key_at(i) >= shape.keys) continue;
    row[key_at(i)] = static_cast<T>(values[i]);
    row_gradient[key_at(i)] = static_cast<T>(values[i] * (upstream[i] - dot) * scale);
  }
}

Forbidden forbidden_of(const at::Tensor& mask) {
  if (!mask.defined()) return {nullptr, 0, 0};
  if (mask.size(1) != 1 || mask.stride(3) != 1)
    throw std::logic_error("attention_softmax_cuda wants a mask [b or 1, 1, r or 1, T]");
  return {mask.const_data_ptr<bool>(), mask.size(0) == 1 ? 0 : mask.stride(0),
          mask.size(2) == 1 ? 0 : mask.stride(2)};
}

template <typename T, int kEach>
void launch(at::Tensor& scores, at::Tensor* gradient, const at::Tensor& mask, float scale) {
  const auto size = [&](std::int64_t dimension) {
    return static_cast<unsigned>(scores.size(dimension));
  };
  const Shape shape{size(0) * size(1) * size(2), size(1) * size(2), size(2),
                    static_cast<int>(scores.size(3))};
  const auto stream = c10::cuda::getCurrentCUDAStream();
  if (gradient == nullptr)
    softmax<T, kEach><<<shape.rows, kThreads, 0, stream>>>(scores.mutable_data_ptr<T>(),
                                                           forbidden_of(mask), shape, scale);
  else
    softmax_backward<T, kEach><<<shape.rows, kThreads, 0, stream>>>(
        scores.mutable_data_ptr<T>(), gradient->mutable_data_ptr<T>(), forbidden_of(mask), shape,
        scale);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

template <typename T>
void launch_for_length(at::Tensor& scores, at::Tensor* gradient, const at::Tensor& mask,
                       float scale) {
  const std::int64_t each = (scores.size(3) + kThreads - 1) / kThreads;
  if (each <= 1) return launch<T, 1>(scores, gradient, mask, scale);
  if (each <= 4) return launch<T, 4>(scores, gradient, mask, scale);
  if (each <= 8) return launch<T, 8>(scores, gradient, mask, scale);
  if (each <= 16) return launch<T, 16>(scores, gradient, mask, scale);
  throw std::logic_error("attention_softmax_cuda knows rows of 2,048 keys at most");
}

void launch_for_datatype(at::Tensor& scores, at::Tensor* gradient, const at::Tensor& mask,
                         float scale) {
  const c10::cuda::CUDAGuard guard(scores.device());
  if (!scores.is_contiguous() || (gradient != nullptr && !gradient->is_contiguous()))
    throw std::logic_error("attention_softmax_cuda wants contiguous scores and gradients");
  if (scores.numel() == 0) return;
  switch (scores.scalar_type()) {
    case at::kFloat:
      return launch_for_length<float>(scores, gradient, mask, scale);
    case at::kBFloat16:
      return launch_for_length<c10::BFloat16>(scores, gradient, mask, scale);
    case at::kHalf:
      return launch_for_length<c10::Half>(scores, gradient, mask, scale);
    default:
      throw std::logic_error("attention_softmax_cuda wants fp32, bf16 or fp16 scores");
  }
}

}  // namespace

void attention_softmax_cuda(at::Tensor& scores, const at::Tensor& mask, float scale) {
  launch_for_datatype(scores, nullptr, mask, scale);
}

void attention_softmax_backward_cuda(at::Tensor& scores, at::Tensor& gradient,
                                     const at::Tensor& mask, float scale) {
  launch_for_datatype(scores, &gradient, mask, scale);
}

}  // namespace dtbench
