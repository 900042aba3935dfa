// The TF32 canary: matmuls of operands whose 24-bit mantissas are full, on the device, forward and
// backward, held against fp64. Operands cut to TF32's 10 mantissa bits, or bf16's 7, miss by about
// 2^-11 of the products' magnitudes, 500 times what fp32 may.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

struct CanaryCheck {
  std::string operation;  // "mm", "addmm", "bmm", "attention", each ".forward" or ".backward"
  double error;           // largest |computed - fp64| over the sum of the products' magnitudes
  double tolerance;       // reduction_tolerance of fp32
  bool passed() const { return error <= tolerance; }
};

// What the checks apply to the operands before the matmuls: the identity for the canary itself;
// the detector's own test passes a cut to 10 mantissa bits, which must be caught.
using OperandFilter = at::Tensor (*)(const at::Tensor& operand);
at::Tensor keep_operand(const at::Tensor& operand);
at::Tensor cut_to_tf32(const at::Tensor& operand);  // round to nearest even at 10 mantissa bits

std::vector<CanaryCheck> run_canary(const c10::Device& device, OperandFilter filter = keep_operand);

// Throws Error (permanent) unless all checks passed; or, where TF32 is asked for, if all did: then
// something forbids it (an environment variable, a library), and the matmuls would be in fp32.
void require_precision(const std::vector<CanaryCheck>& checks, bool tf32);

Json to_json(const std::vector<CanaryCheck>& checks);

}  // namespace dtbench
