// Attention's softmax: one warp a row of scores, which it holds in registers, so that scores and
// gradients are read once and written once.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cfloat>
#include <stdexcept>

#include "engine/cuda/kernels.h"

namespace dtbench {
namespace {

constexpr int kWarp = 32, kWarpsInBlock = 4;

// Which keys of a row are forbidden; strides of 0 where the mask broadcasts.
struct Forbidden {
  const bool* mask;  // null: none
  std::int64_t sample_stride, row_stride;
};

// [samples, heads, queries, keys]
struct Shape {
  std::int64_t rows, heads, queries;
  int keys;
};

template <typename Combine>
__device__ float across_warp(float value, Combine combine) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = combine(value, __shfl_xor_sync(0xffffffffu, value, offset));
  return value;
}

__device__ float sum_across_warp(float value) {
  return across_warp(value, [](float a, float b) { return a + b; });
}

// Lane l of the warp holds keys l, l + 32, ...; -1 for a warp beyond the last row.
__device__ std::int64_t row_of_warp(const Shape& shape) {
  const std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * kWarpsInBlock + threadIdx.x / kWarp;
  return row < shape.rows ? row : -1;
}

// The row's unrounded probabilities.
template <typename T, int kEach>
__device__ void probabilities_of(const T* scores, const Forbidden& forbidden, const Shape& shape,
                                 std::int64_t row, float scale, float (&values)[kEach]) {
  const int lane = threadIdx.x % kWarp;
  const bool* mask = forbidden.mask;
  if (mask != nullptr)
    mask += row / (shape.heads * shape.queries) * forbidden.sample_stride +
            row % shape.queries * forbidden.row_stride;
  float largest = -INFINITY;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int key = lane + i * kWarp;
    values[i] = -INFINITY;
    if (key < shape.keys) {
      values[i] = static_cast<float>(scores[key]) * scale;
      if (mask != nullptr && mask[key]) values[i] = -FLT_MAX;
    }
    largest = fmaxf(largest, values[i]);
  }
  largest = across_warp(largest, [](float a, float b) { return fmaxf(a, b); });
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    // Not exp(-inf - largest): in a row of nothing but -inf or NaN that would not be 0.
    values[i] = lane + i * kWarp < shape.keys ? expf(values[i] - largest) : 0.0f;
    sum += values[i];
  }
  sum = sum_across_warp(sum);
#pragma unroll
  for (int i = 0; i < kEach; ++i)
    values[i] /= sum;
}

template <typename T, int kEach>
__global__ void softmax(T* scores, Forbidden forbidden, Shape shape, float scale) {
  const std::int64_t row = row_of_warp(shape);
  if (row < 0) return;
  T* own = scores + row * shape.keys;
  float values[kEach];
  probabilities_of(own, forbidden, shape, row, scale, values);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int key = static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
    if (key < shape.keys) own[key] = static_cast<T>(values[i]);
  }
}

template <typename T, int kEach>
__global__ void softmax_backward(T* scores, T* gradient, Forbidden forbidden, Shape shape,
                                 float scale) {
  const std::int64_t row = row_of_warp(shape);
  if (row < 0) return;
  T* own = scores + row * shape.keys;
  T* own_gradient = gradient + row * shape.keys;
  float values[kEach], upstream[kEach];
  probabilities_of(own, forbidden, shape, row, scale, values);
  float dot = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int key = static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
    upstream[i] = key < shape.keys ? static_cast<float>(own_gradient[key]) : 0.0f;
    dot += values[i] * upstream[i];
  }
  dot = sum_across_warp(dot);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int key = static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
    if (key >= shape.keys) continue;
    own[key] = static_cast<T>(values[i]);
    own_gradient[key] = static_cast<T>(values[i] * (upstream[i] - dot) * scale);
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
  const Shape shape{scores.numel() / scores.size(3), scores.size(1), scores.size(2),
                    static_cast<int>(scores.size(3))};
  const auto blocks = static_cast<unsigned>((shape.rows + kWarpsInBlock - 1) / kWarpsInBlock);
  const auto stream = c10::cuda::getCurrentCUDAStream();
  if (gradient == nullptr)
    softmax<T, kEach><<<blocks, kWarp * kWarpsInBlock, 0, stream>>>(
        scores.mutable_data_ptr<T>(), forbidden_of(mask), shape, scale);
  else
    softmax_backward<T, kEach><<<blocks, kWarp * kWarpsInBlock, 0, stream>>>(
        scores.mutable_data_ptr<T>(), gradient->mutable_data_ptr<T>(), forbidden_of(mask), shape,
        scale);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

template <typename T>
void launch_for_length(at::Tensor& scores, at::Tensor* gradient, const at::Tensor& mask,
                       float scale) {
  const std::int64_t keys = scores.size(3);
  if (keys <= 128) return launch<T, 4>(scores, gradient, mask, scale);
  if (keys <= 512) return launch<T, 16>(scores, gradient, mask, scale);
  if (keys <= 1024) return launch<T, 32>(scores, gradient, mask, scale);
  if (keys <= 2048) return launch<T, 64>(scores, gradient, mask, scale);
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

void attention_softmax_cuda(at::Tensor& scores, const at::Tensor& forbidden, float scale) {
  launch_for_datatype(scores, nullptr, forbidden, scale);
}

void attention_softmax_backward_cuda(at::Tensor& scores, at::Tensor& gradient,
                                     const at::Tensor& forbidden, float scale) {
  launch_for_datatype(scores, &gradient, forbidden, scale);
}

}  // namespace dtbench
