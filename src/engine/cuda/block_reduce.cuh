// Reductions over a thread block, in an order that does not change from run to run.
#pragma once

namespace dtbench {

constexpr int kWarp = 32;

// `combine` (commutative and associative up to rounding) over the values of all kThreads threads,
// for each of them. `shared` has a place for each warp.
template <int kThreads, typename Combine>
__device__ float across_block(float value, float (&shared)[kThreads / kWarp], Combine combine) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = combine(value, __shfl_xor_sync(0xffffffffu, value, offset));
  __syncthreads();  // all have read what the call before left in `shared`
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = value;
  __syncthreads();
  value = shared[0];
#pragma unroll
  for (int warp = 1; warp < kThreads / kWarp; ++warp)
    value = combine(value, shared[warp]);
  return value;
}

struct Larger {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};

}  // namespace dtbench
