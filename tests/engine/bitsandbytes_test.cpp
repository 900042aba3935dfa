// The block-wise 8-bit update against what bitsandbytes' own CUDA kernel made of the same numbers
// (golden/adamw_8bit.py).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "engine/cuda_device.h"
#include "engine/optim/blockwise_8bit.h"
#include "engine/optim/cuda_update.h"
#include "source_folder.h"

namespace dtbench::testing {
namespace {

constexpr std::int64_t kCount = 16 * 256 + 44, kBlocks = 17;

struct Golden {
  at::Tensor weight, gradient;
  ParameterState state;
  at::Tensor weight_after;
  ParameterState state_after;
};

class GoldenFile {
 public:
  GoldenFile() {
    file_.open(source_folder() / "tests/engine/golden/adamw_8bit.bin", std::ios::binary);
    file_.exceptions(std::ios::failbit);
  }

  Golden next_step() {
    Golden golden;
    golden.weight = read(kCount, at::kFloat);
    golden.gradient = read(kCount, at::kFloat);
    golden.state = read_state();
    golden.weight_after = read(kCount, at::kFloat);
    golden.state_after = read_state();
    return golden;
  }

 private:
  at::Tensor read(std::int64_t count, at::ScalarType type) {
    at::Tensor tensor = at::empty({count}, type);
    file_.read(static_cast<char*>(tensor.mutable_data_ptr()),
               static_cast<std::streamsize>(tensor.nbytes()));
    return tensor;
  }

  ParameterState read_state() {
    ParameterState state;
    state.exp_avg = read(kCount, at::kByte);
    state.exp_avg_sq = read(kCount, at::kByte);
    state.exp_avg_absmax = read(kBlocks, at::kFloat);
    state.exp_avg_sq_absmax = read(kBlocks, at::kFloat);
    return state;
  }

  std::ifstream file_;
};

// This project's step number `t` from the golden one's state.
TensorUpdate updated(const Golden& golden, std::int64_t t, double weight_decay,
                     const c10::Device& device) {
  const auto here = [&](const at::Tensor& tensor) { return tensor.clone().to(device); };
  TensorUpdate update{here(golden.weight),
                      here(golden.gradient),
                      {here(golden.state.exp_avg),
                       here(golden.state.exp_avg_sq),
                       here(golden.state.exp_avg_absmax),
                       here(golden.state.exp_avg_sq_absmax),
                       {}},
                      {1e-3, 1.0, 0.9, 0.999, 1e-8, weight_decay, t},
                      UpdateRounding::kNearest,
                      {}};
  if (device.is_cuda()) {
    DeviceScalars scalars(device);
    scalars.begin({});
    CudaUpdate(device).launch({{{update}, {}}}, scalars);
    scalars.read();
  } else {
    blockwise_update(update);
  }
  return update;
}

// Largest difference of the weights over what their steps may differ by. The kernel takes its bias
// corrections from __powf, that is exp2f(y * __log2f(x)), whose logarithm is off by up to 2^-22 and
// whose power by 2 units of at most 2^-23 (CUDA C++ programming guide, "Intrinsic Functions"):
// 0.999^t by (t ln 2 + 1) 2^-22, relative to 1 - 0.999^t, which is above 0.00099 t, by 1,206 x
// 2^-22 at t = 2 and less later, its square root by half of that. 0.9^t likewise, 10.2 x 2^-22 of
// 1 - 0.9^t at t = 2. The other operations round eight times, and the new weight once.
double weights_apart(const Golden& golden, const at::Tensor& weight) {
  constexpr double kStepError = (1206.0 / 2 + 10.2) * 0x1p-22 + 8 * 0x1p-24;
  const at::Tensor exact = golden.weight_after.to(at::kDouble);
  const at::Tensor step = (exact - golden.weight.to(at::kDouble)).abs();
  const at::Tensor allowed = kStepError * step + 0x1p-23 * exact.abs();
  return ((weight.cpu().to(at::kDouble) - exact).abs() / allowed).max().item<double>();
}

std::int64_t codes_apart(const at::Tensor& a, const at::Tensor& b) {
  return (a.cpu().to(at::kInt) - b.to(at::kInt)).abs().sum().item<std::int64_t>();
}

void expect_golden(const c10::Device& device) {
  GoldenFile file;
  for (const std::int64_t t : {2, 10}) {
    const Golden golden = file.next_step();
    const TensorUpdate ours = updated(golden, t, 0.1, device);
    EXPECT_LE(weights_apart(golden, ours.value), 1) << "step " << t;
    // The kernel fuses products and sums, which moves a moment by a spacing, 2^-23 of it at most:
    // across the boundary of two codes, 2^-8 or more of it apart, for one in 2^15. Of 4,140 one
    // may.
    EXPECT_LE(codes_apart(ours.state.exp_avg, golden.state_after.exp_avg), 1) << "step " << t;
    EXPECT_LE(codes_apart(ours.state.exp_avg_sq, golden.state_after.exp_avg_sq), 1) << "step " << t;
    EXPECT_TRUE(at::allclose(ours.state.exp_avg_absmax.cpu(), golden.state_after.exp_avg_absmax,
                             0x1p-22, 0));
    EXPECT_TRUE(at::allclose(ours.state.exp_avg_sq_absmax.cpu(),
                             golden.state_after.exp_avg_sq_absmax, 0x1p-22, 0));
  }
}

TEST(Bitsandbytes, ItsKernelsStepsAreOurs) {
  expect_golden(at::kCPU);
}

TEST_F(Cuda, BitsandbytesKernelsStepsAreOurs) {
  expect_golden(device_);
}

// Negative controls: another step's bias correction, and no decay.
TEST(Bitsandbytes, AnotherRuleIsSeen) {
  const Golden golden = GoldenFile().next_step();
  EXPECT_GT(weights_apart(golden, updated(golden, 3, 0.1, at::kCPU).value), 100);
  EXPECT_GT(weights_apart(golden, updated(golden, 2, 0.0, at::kCPU).value), 10);
}

// The file has what its description says: gradients that are not finite, in step 10.
TEST(Bitsandbytes, TheGoldenStepsHoldTheHardCases) {
  GoldenFile file;
  const Golden calm = file.next_step(), hard = file.next_step();
  EXPECT_TRUE(calm.gradient.isfinite().all().item<bool>());
  EXPECT_EQ((calm.gradient == 0).sum().item<std::int64_t>(), 592);
  for (const std::int64_t place : {700, 4100}) {
    EXPECT_FALSE(std::isfinite(hard.gradient[place].item<float>()));
    EXPECT_EQ(hard.weight_after[place].item<float>(), hard.weight[place].item<float>());
  }
}

}  // namespace
}  // namespace dtbench::testing
