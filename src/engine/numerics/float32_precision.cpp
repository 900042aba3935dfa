#include "engine/numerics/float32_precision.h"

#include <ATen/Context.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

using Backend = at::Float32Backend;
using Op = at::Float32Op;
using Precision = at::Float32Precision;

// torch's own names, as in torch.backends.<backend>.<op>.fp32_precision.
struct Switch {
  const char* name;
  Backend backend;
  Op op;
};
constexpr std::array<Switch, 9> kSwitches = {{{"generic.all", Backend::GENERIC, Op::ALL},
                                              {"cuda.all", Backend::CUDA, Op::ALL},
                                              {"cuda.matmul", Backend::CUDA, Op::MATMUL},
                                              {"cuda.conv", Backend::CUDA, Op::CONV},
                                              {"cuda.rnn", Backend::CUDA, Op::RNN},
                                              {"mkldnn.all", Backend::MKLDNN, Op::ALL},
                                              {"mkldnn.matmul", Backend::MKLDNN, Op::MATMUL},
                                              {"mkldnn.conv", Backend::MKLDNN, Op::CONV},
                                              {"mkldnn.rnn", Backend::MKLDNN, Op::RNN}}};

void refuse_forced_tf32() {
  const char* torch_override = std::getenv("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE");
  if (torch_override != nullptr && std::string_view(torch_override) != "0")
    throw usage_error(concat("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=", torch_override,
                             " would decide on TF32 in place of the policy."),
                      "unset TORCH_ALLOW_TF32_CUBLAS_OVERRIDE");
  const char* nvidia_override = std::getenv("NVIDIA_TF32_OVERRIDE");
  if (nvidia_override != nullptr && std::string_view(nvidia_override) != "0")
    throw usage_error(concat("NVIDIA_TF32_OVERRIDE=", nvidia_override,
                             " would decide on TF32 in place of the policy."),
                      "unset NVIDIA_TF32_OVERRIDE");
}

bool is_matmul_on_cuda(const Switch& one) {
  return one.backend == Backend::CUDA && one.op == Op::MATMUL;
}

}  // namespace

Json set_float32_precision(bool tf32) {
  refuse_forced_tf32();
  // Read by NVIDIA's libraries when they start, that is at the first CUDA call, which is later.
  // With TF32 asked for it must not be forbidden.
  if (!tf32) setenv("NVIDIA_TF32_OVERRIDE", "0", 1);

  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(tf32);
  context.setAllowTF32CuDNN(false);
  for (const Switch& one : kSwitches) {
    const bool on = tf32 && is_matmul_on_cuda(one);
    context.setFloat32Precision(one.backend, one.op, on ? Precision::TF32 : Precision::IEEE);
  }
  context.setAllowFP16ReductionCuBLAS(false);
  context.setAllowBF16ReductionCuBLAS(false);
  context.setAllowFP16AccumulationCuBLAS(false);
  // 16-bit scores of the math path of scaled dot product attention are not to be reduced in 16
  // bits.
  context.setAllowFP16BF16ReductionMathSDP(false);

  Json read_back;
  for (const Switch& one : kSwitches) {
    const bool on = tf32 && is_matmul_on_cuda(one);
    const Precision precision = context.float32Precision(one.backend, one.op);
    if (precision != (on ? Precision::TF32 : Precision::IEEE))
      throw std::logic_error(concat("torch's fp32_precision of ", one.name, " reads back as ",
                                    at::precision2str(precision)));
    read_back[one.name] = at::precision2str(precision);
  }
  if (context.allowTF32CuBLAS() != tf32)
    throw std::logic_error("torch's allow_tf32 of cuBLAS does not read back as set");
  read_back["cublas.allow_tf32"] = context.allowTF32CuBLAS();
  read_back["cublas.allow_fp16_accumulation"] = context.allowFP16AccumulationCuBLAS();
  read_back["cublas.allow_fp16_reduced_precision_reduction"] =
      context.allowFP16ReductionCuBLAS() ==
      at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK;
  read_back["cublas.allow_bf16_reduced_precision_reduction"] =
      context.allowBF16ReductionCuBLAS() ==
      at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK;
  const char* nvidia_override = std::getenv("NVIDIA_TF32_OVERRIDE");
  read_back["NVIDIA_TF32_OVERRIDE"] = nvidia_override == nullptr ? "" : nvidia_override;
  return read_back;
}

}  // namespace dtbench
