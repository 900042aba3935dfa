// Fused AdamW: one thread an element, fp32 inside (fp64 for fp64) whatever is stored, by the same
// arithmetic as the CPU's (optim/adamw_element.h). Compiled without contraction of products and
// sums, so that it gives the same bits.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <stdexcept>

#include "engine/cuda/counts.cuh"
#include "engine/cuda/kernels.h"

namespace dtbench {
namespace {

enum class Stored { kAccumulation, kBFloat16, kHalf };

// A tensor's elements in the accumulation datatype T.
template <typename T>
struct Elements {
  void* data;
  Stored stored;

  __device__ T load(std::int64_t i) const {
    if (stored == Stored::kBFloat16)
      return static_cast<T>(static_cast<float>(static_cast<const c10::BFloat16*>(data)[i]));
    if (stored == Stored::kHalf)
      return static_cast<T>(static_cast<float>(static_cast<const c10::Half*>(data)[i]));
    return static_cast<const T*>(data)[i];
  }

  // Rounds to nearest; returns what was stored.
  __device__ T store(std::int64_t i, T value) const {
    if (stored == Stored::kBFloat16)
      static_cast<c10::BFloat16*>(data)[i] = static_cast<c10::BFloat16>(static_cast<float>(value));
    else if (stored == Stored::kHalf)
      static_cast<c10::Half*>(data)[i] = static_cast<c10::Half>(static_cast<float>(value));
    else
      static_cast<T*>(data)[i] = value;
    return load(i);
  }

  __device__ T store_stochastic(std::int64_t i, T value, const StochasticDraw& draw) const {
    const std::uint32_t bits = __float_as_uint(static_cast<float>(value));
    if ((bits & 0x7fffffffu) >= 0x7f800000u) return store(i, value);
    const PhiloxWords words = stochastic_words(draw, i / 8);
    const std::uint32_t half = stochastic_half(words, static_cast<int>(i % 8));
    static_cast<std::uint16_t*>(data)[i] = stochastic_bf16(bits, half);
    return load(i);
  }
};

template <typename T>
struct Arguments {
  const AdamWFactors<T>* factors;  // all but the gradient's
  StepScalars* scalars;
  Elements<T> weight, gradient, exp_avg, exp_avg_sq, compensation;
  bool kahan, stochastic;
  StochasticDraw draw;
  std::int64_t count;
};

template <typename T>
__device__ T store_weight(const Arguments<T>& a, std::int64_t i, T weight) {
  if (a.stochastic) {
    StochasticDraw draw = a.draw;
    draw.step = static_cast<std::uint32_t>(a.scalars->step);
    return a.weight.store_stochastic(i, weight, draw);
  }
  const T stored = a.weight.store(i, weight);
  return a.kahan ? stored + a.compensation.store(i, weight - stored) : stored;
}

template <typename T>
__global__ void update_elements(Arguments<T> a) {
  if (a.scalars->update == 0) return;  // all threads, or none
  AdamWFactors<T> factors = *a.factors;
  factors.gradient = static_cast<T>(a.scalars->gradient_factor);
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  bool lost_weight = false, lost_v = false;
  if (i < a.count) {
    const T g = a.gradient.load(i) * factors.gradient, old_v = a.exp_avg_sq.load(i);
    const T old_weight = a.weight.load(i) + (a.kahan ? a.compensation.load(i) : T{0});
    T m = a.exp_avg.load(i), v = old_v;
    update_moments(factors, g, m, v);
    const T updated = updated_weight(factors, old_weight, m, v);
    lost_weight = store_weight(a, i, updated) == old_weight && (m < 0 || m > 0);
    lost_v = a.exp_avg_sq.store(i, v) == old_v && (g * g < old_v || g * g > old_v);
    a.exp_avg.store(i, m);
  }
  const int weights = __syncthreads_count(lost_weight), moments = __syncthreads_count(lost_v);
  if (threadIdx.x != 0) return;
  add_count(weights, &a.scalars->lost_weight_updates);
  add_count(moments, &a.scalars->lost_v_updates);
}

template <typename T>
Elements<T> elements(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kBFloat16:
      return {tensor.data_ptr(), Stored::kBFloat16};
    case at::kHalf:
      return {tensor.data_ptr(), Stored::kHalf};
    default:
      if (tensor.scalar_type() != c10::CppTypeToScalarType<T>::value)
        throw std::logic_error("adamw_cuda wants fp64 throughout or none");
      return {tensor.data_ptr(), Stored::kAccumulation};
  }
}

template <typename T>
void launch(const TensorUpdate& update, const at::Tensor& factors, StepScalars* scalars) {
  const std::int64_t count = update.value.numel();
  if (count == 0) return;
  const bool kahan = update.rounding == UpdateRounding::kKahan;
  const Arguments<T> arguments{
      static_cast<const AdamWFactors<T>*>(factors.const_data_ptr()),
      scalars,
      elements<T>(update.value),
      elements<T>(update.gradient),
      elements<T>(update.state.exp_avg),
      elements<T>(update.state.exp_avg_sq),
      kahan ? elements<T>(update.state.compensation) : Elements<T>{nullptr, Stored::kAccumulation},
      kahan,
      update.rounding == UpdateRounding::kStochastic,
      update.draw,
      count};
  constexpr int kThreads = 256;
  const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
  update_elements<T><<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(arguments);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void adamw_cuda(const TensorUpdate& update, const at::Tensor& factors, StepScalars* scalars) {
  const c10::cuda::CUDAGuard guard(update.value.device());
  if (update.value.scalar_type() == at::kDouble) return launch<double>(update, factors, scalars);
  launch<float>(update, factors, scalars);
}

}  // namespace dtbench
