// How a policy's operations compute: the datatype of matmuls' operands and the cast lists of mixed
// precision, applied explicitly so that a CPU run casts as a GPU run does.
#pragma once

#include <c10/core/ScalarType.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/policy.h"

namespace dtbench {

struct ComputeRules {
  at::ScalarType compute = at::kFloat;  // operands of matmuls
  AutocastRules autocast = AutocastRules::kNone;
  LossRule loss = LossRule::kContract;
  GeluRule gelu = GeluRule::kKernel;
  std::vector<std::string> in_fp32 = {};  // patterns of excepted modules (config/module_pattern.h)
};

ComputeRules compute_rules(const DtypePolicy& policy);

// Whether the policy makes an exception for a module; and the rules inside one: fp32 throughout, as
// a policy without mixed precision and with compute = "fp32" has it.
bool is_excepted(std::string_view module, const ComputeRules& rules);
ComputeRules rules_of_exception(const ComputeRules& rules);

// The operations of the models, as far as torch's autocast lists tell them apart.
enum class CastOp { kMatmul, kLayerNorm, kPow, kEmbedding, kGelu, kTanh, kErf, kAdd };
inline constexpr std::array kCastOps = {CastOp::kMatmul,    CastOp::kLayerNorm, CastOp::kPow,
                                        CastOp::kEmbedding, CastOp::kGelu,      CastOp::kTanh,
                                        CastOp::kErf,       CastOp::kAdd};
const char* to_string(CastOp op);

// The datatype that `rules` cast an operand of `op` to, `input` being its own: the compute datatype
// for matmuls, fp32 for what the list in force computes in fp32, else `input` itself.
// Source: torch's autocast operator reference, and ATen/autocast_mode.h; tests/parity compares each
// entry with what torch does.
at::ScalarType operand_type(CastOp op, at::ScalarType input, const ComputeRules& rules);

}  // namespace dtbench
