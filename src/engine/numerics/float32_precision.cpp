#include "engine/numerics/float32_precision.h"

#include <ATen/Context.h>
#include <torch/version.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

// torch's own names, as in torch.backends.<backend>.<operation>.fp32_precision.
struct Switch {
  const char* backend;
  const char* operation;
};
constexpr std::array<Switch, 9> kSwitches = {{{"generic", "all"},
                                              {"cuda", "all"},
                                              {"cuda", "matmul"},
                                              {"cuda", "conv"},
                                              {"cuda", "rnn"},
                                              {"mkldnn", "all"},
                                              {"mkldnn", "matmul"},
                                              {"mkldnn", "conv"},
                                              {"mkldnn", "rnn"}}};

// torch 2.9 names precisions by strings, 2.10 and later by enumerations.
void set_switch(at::Context& context, const Switch& one, const std::string& precision) {
#if TORCH_VERSION_MINOR >= 10
  context.setFloat32Precision(at::str2backend(one.backend), at::str2op(one.operation),
                              at::str2precision(precision));
#else
  context.setFloat32Precision(one.backend, one.operation, precision);
#endif
}

std::string read_switch(const at::Context& context, const Switch& one) {
#if TORCH_VERSION_MINOR >= 10
  return at::precision2str(
      context.float32Precision(at::str2backend(one.backend), at::str2op(one.operation)));
#else
  return context.float32Precision(one.backend, one.operation);
#endif
}

// A bool in torch 2.9, an enumeration later.
template <typename Option>
bool allows_reduced_precision(Option option) {
  if constexpr (std::is_same_v<Option, bool>)
    return option;
  else
    return option == Option::AllowReducedPrecisionWithSplitK;
}

void refuse_forced_tf32() {
  const char* torch_override = std::getenv("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE");
  if (torch_override != nullptr && std::string_view(torch_override) != "0")
    throw usage_error(concat("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=", torch_override,
                             " would decide on TF32 in place of the policy."),
                      "Unset TORCH_ALLOW_TF32_CUBLAS_OVERRIDE.");
  const char* nvidia_override = std::getenv("NVIDIA_TF32_OVERRIDE");
  if (nvidia_override != nullptr && std::string_view(nvidia_override) != "0")
    throw usage_error(concat("NVIDIA_TF32_OVERRIDE=", nvidia_override,
                             " would decide on TF32 in place of the policy."),
                      "Unset NVIDIA_TF32_OVERRIDE.");
}

const char* wanted(const Switch& one, bool tf32) {
  const bool matmul_on_cuda =
      one.backend == std::string_view("cuda") && one.operation == std::string_view("matmul");
  return tf32 && matmul_on_cuda ? "tf32" : "ieee";
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
  for (const Switch& one : kSwitches)
    set_switch(context, one, wanted(one, tf32));
  context.setAllowFP16ReductionCuBLAS(false);
  context.setAllowBF16ReductionCuBLAS(false);
  context.setAllowFP16AccumulationCuBLAS(false);
  // 16-bit scores of the math path of scaled dot product attention are not to be reduced in 16
  // bits.
  context.setAllowFP16BF16ReductionMathSDP(false);

  Json read_back;
  for (const Switch& one : kSwitches) {
    const std::string name = concat(one.backend, ".", one.operation);
    const std::string found = read_switch(context, one);
    if (found != wanted(one, tf32))
      throw std::logic_error(concat("torch's fp32_precision of ", name, " reads back as ", found));
    read_back[name] = found;
  }
  if (context.allowTF32CuBLAS() != tf32)
    throw std::logic_error("torch's allow_tf32 of cuBLAS does not read back as set");
  read_back["cublas.allow_tf32"] = context.allowTF32CuBLAS();
  read_back["cublas.allow_fp16_accumulation"] = context.allowFP16AccumulationCuBLAS();
  read_back["cublas.allow_fp16_reduced_precision_reduction"] =
      allows_reduced_precision(context.allowFP16ReductionCuBLAS());
  read_back["cublas.allow_bf16_reduced_precision_reduction"] =
      allows_reduced_precision(context.allowBF16ReductionCuBLAS());
  for (const auto& [name, value] : read_back.items())
    if (value == true && name != "cublas.allow_tf32")
      throw std::logic_error(concat("torch's switch ", name, " does not read back as set, off"));
  const char* nvidia_override = std::getenv("NVIDIA_TF32_OVERRIDE");
  read_back["NVIDIA_TF32_OVERRIDE"] = nvidia_override == nullptr ? "" : nvidia_override;
  return read_back;
}

}  // namespace dtbench
