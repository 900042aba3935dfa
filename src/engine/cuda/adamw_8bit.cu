// Block-wise 8-bit AdamW: one thread block a block of the tensor, one thread an element, by the
// same arithmetic as the CPU's (optim/blockwise_element.h). Compiled without contraction of
// products and sums, so that it gives the same bits.
#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <stdexcept>

#include "engine/cuda/counts.cuh"
#include "engine/cuda/kernels.h"
#include "engine/optim/blockwise_8bit.h"

namespace dtbench {
namespace {

constexpr int kThreads = static_cast<int>(kBlockwiseBlock);

struct Tables {
  float signed_map[256], signed_thresholds[256], unsigned_map[256], unsigned_thresholds[256];
};

struct States {
  std::uint8_t *exp_avg, *exp_avg_sq;
  float *exp_avg_absmax, *exp_avg_sq_absmax;
};

// The largest magnitude in the thread block; as integers magnitudes are ordered, too, with NaN
// above all. `shared` is 0 before.
__device__ float block_absmax(float value, unsigned* shared) {
  unsigned magnitude = __float_as_uint(value) & 0x7fffffffu;
  for (int offset = 16; offset > 0; offset /= 2) {
    const unsigned other = __shfl_down_sync(0xffffffffu, magnitude, offset);
    magnitude = other > magnitude ? other : magnitude;
  }
  if (threadIdx.x % 32 == 0) atomicMax(shared, magnitude);
  __syncthreads();
  return __uint_as_float(*shared);
}

__device__ void add_flags(bool flag, std::int64_t* total) {
  const int count = __syncthreads_count(flag);
  if (threadIdx.x == 0) add_count(count, total);
}

template <typename Weight, typename Gradient>
__global__ void update_blocks(const BlockwiseFactors* all_but_gradients, StepScalars* scalars,
                              Weight* weights, const Gradient* gradients, States states,
                              const Tables* tables, std::int64_t count) {
  if (scalars->update == 0) return;  // all threads, or none
  BlockwiseFactors factors = *all_but_gradients;
  factors.gradient = static_cast<float>(scalars->gradient_factor);
  __shared__ Tables table;
  __shared__ unsigned largest[2];
  const unsigned lane = threadIdx.x;
  table.signed_map[lane] = tables->signed_map[lane];
  table.signed_thresholds[lane] = tables->signed_thresholds[lane];
  table.unsigned_map[lane] = tables->unsigned_map[lane];
  table.unsigned_thresholds[lane] = tables->unsigned_thresholds[lane];
  if (lane < 2) largest[lane] = 0;
  __syncthreads();

  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + lane;
  const bool inside = i < count;
  float g = 0, m = 0, v = 0, old_v = 0, old_weight = 0;
  bool finite = true;
  if (inside) {
    g = static_cast<float>(gradients[i]) * factors.gradient;
    finite = (__float_as_uint(g) & 0x7fffffffu) < 0x7f800000u;
    old_weight = static_cast<float>(weights[i]);
    m = table.signed_map[states.exp_avg[i]] * states.exp_avg_absmax[blockIdx.x];
    v = old_v = table.unsigned_map[states.exp_avg_sq[i]] * states.exp_avg_sq_absmax[blockIdx.x];
    blockwise_moments(factors, g, finite, m, v);
    weights[i] = static_cast<Weight>(blockwise_weight(factors, old_weight, finite, m, v));
  }
  const float absmax1 = block_absmax(m, &largest[0]), absmax2 = block_absmax(v, &largest[1]);

  bool lost_weight = false, lost_v = false, zero_point = false;
  if (inside) {
    const float scale1 = absmax1 == 0 ? 1.0f : absmax1, scale2 = absmax2 == 0 ? 1.0f : absmax2;
    const std::int32_t code1 =
        sign_kept(table.signed_map, m, nearest_code(table.signed_thresholds, m / scale1));
    const std::int32_t code2 = nearest_code(table.unsigned_thresholds, v / scale2);
    states.exp_avg[i] = static_cast<std::uint8_t>(code1);
    states.exp_avg_sq[i] = static_cast<std::uint8_t>(code2);
    lost_weight = static_cast<float>(weights[i]) == old_weight && (m < 0 || m > 0);
    lost_v = table.unsigned_map[code2] * absmax2 == old_v && (g * g < old_v || g * g > old_v);
    zero_point = code2 == 0 && v > 0;
  }
  if (lane == 0) {
    states.exp_avg_absmax[blockIdx.x] = absmax1;
    states.exp_avg_sq_absmax[blockIdx.x] = absmax2;
  }
  add_flags(lost_weight, &scalars->lost_weight_updates);
  add_flags(lost_v, &scalars->lost_v_updates);
  add_flags(zero_point, &scalars->zero_point_hits);
}

template <typename Weight, typename Gradient>
void launch(const TensorUpdate& update, const at::Tensor& factors, const at::Tensor& tables,
            StepScalars* scalars) {
  const std::int64_t count = update.value.numel();
  const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
  const ParameterState& state = update.state;
  const States states{state.exp_avg.mutable_data_ptr<std::uint8_t>(),
                      state.exp_avg_sq.mutable_data_ptr<std::uint8_t>(),
                      state.exp_avg_absmax.mutable_data_ptr<float>(),
                      state.exp_avg_sq_absmax.mutable_data_ptr<float>()};
  update_blocks<<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      static_cast<const BlockwiseFactors*>(factors.const_data_ptr()), scalars,
      update.value.mutable_data_ptr<Weight>(), update.gradient.const_data_ptr<Gradient>(), states,
      static_cast<const Tables*>(tables.const_data_ptr()), count);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

template <typename Weight>
void launch_for_gradient(const TensorUpdate& update, const at::Tensor& factors,
                         const at::Tensor& tables, StepScalars* scalars) {
  if (update.gradient.scalar_type() == at::kFloat)
    return launch<Weight, float>(update, factors, tables, scalars);
  launch<Weight, Weight>(update, factors, tables, scalars);
}

}  // namespace

void adamw_8bit_cuda(const TensorUpdate& update, const at::Tensor& factors,
                     const at::Tensor& tables, StepScalars* scalars) {
  const c10::cuda::CUDAGuard guard(update.value.device());
  switch (update.value.scalar_type()) {
    case at::kFloat:
      return launch<float, float>(update, factors, tables, scalars);
    case at::kBFloat16:
      return launch_for_gradient<c10::BFloat16>(update, factors, tables, scalars);
    case at::kHalf:
      return launch_for_gradient<c10::Half>(update, factors, tables, scalars);
    default:
      throw std::logic_error("adamw_8bit_cuda wants fp32, bf16 or fp16 weights");
  }
}

}  // namespace dtbench
