#include "engine/numerics/float32_precision.h"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

namespace dtbench {
namespace {

TEST(Float32Precision, AllSwitchesReadBackAsIeee) {
  // What torch's defaults leave open: convolution and RNN TF32, reductions in 16 bits.
  at::globalContext().setAllowBF16ReductionCuBLAS(true);
  const Json switches = set_float32_precision(/*tf32=*/false);
  for (const char* name : {"generic.all", "cuda.all", "cuda.matmul", "cuda.conv", "cuda.rnn",
                           "mkldnn.all", "mkldnn.matmul", "mkldnn.conv", "mkldnn.rnn"})
    EXPECT_EQ(switches.at(name).get<std::string>(), "ieee") << name;
  EXPECT_EQ(switches.at("cublas.allow_tf32"), false);
  EXPECT_EQ(switches.at("cublas.allow_fp16_accumulation"), false);
  EXPECT_EQ(switches.at("cublas.allow_fp16_reduced_precision_reduction"), false);
  EXPECT_EQ(switches.at("cublas.allow_bf16_reduced_precision_reduction"), false);
  EXPECT_FALSE(at::globalContext().allowTF32CuBLAS());
}

// Negative control: the read-back sees a switch that is on.
TEST(Float32Precision, Tf32ShowsInTheReadBack) {
  const Json switches = set_float32_precision(/*tf32=*/true);
  EXPECT_EQ(switches.at("cuda.matmul").get<std::string>(), "tf32");
  EXPECT_EQ(switches.at("cublas.allow_tf32"), true);
  set_float32_precision(/*tf32=*/false);
}

TEST(Float32Precision, AnEnvironmentThatForcesTf32IsRefused) {
  for (const char* name : {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "NVIDIA_TF32_OVERRIDE"}) {
    setenv(name, "1", 1);
    EXPECT_THROW(set_float32_precision(false), Error) << name;
    unsetenv(name);
  }
}

}  // namespace
}  // namespace dtbench
