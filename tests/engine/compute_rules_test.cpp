// Both cast lists, entry by entry, as torch documents them ("Autocast Op Reference": CUDA Ops,
// CPU Ops); tests/parity asks torch itself.
#include "engine/numerics/compute_rules.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engine/ops/cast.h"
#include "engine/small_model.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

struct Entry {
  CastOp op;
  at::ScalarType cuda_of_fp32, cuda_of_16, cpu_of_fp32, cpu_of_16;
};

// Compute datatype bf16; what an fp32 and a bf16 operand become.
constexpr Entry kTable[] = {
    {CastOp::kMatmul, at::kBFloat16, at::kBFloat16, at::kBFloat16, at::kBFloat16},
    {CastOp::kLayerNorm, at::kFloat, at::kFloat, at::kFloat, at::kBFloat16},
    {CastOp::kPow, at::kFloat, at::kFloat, at::kFloat, at::kBFloat16},
    {CastOp::kEmbedding, at::kFloat, at::kBFloat16, at::kFloat, at::kBFloat16},
    {CastOp::kGelu, at::kFloat, at::kBFloat16, at::kFloat, at::kBFloat16},
    {CastOp::kTanh, at::kFloat, at::kBFloat16, at::kFloat, at::kBFloat16},
    {CastOp::kErf, at::kFloat, at::kBFloat16, at::kFloat, at::kBFloat16},
    {CastOp::kAdd, at::kFloat, at::kBFloat16, at::kFloat, at::kBFloat16},
};

TEST(ComputeRules, FollowTorchsCastLists) {
  EXPECT_EQ(std::size(kTable), kCastOps.size());
  const ComputeRules cuda{.compute = at::kBFloat16, .autocast = AutocastRules::kCuda};
  const ComputeRules cpu{.compute = at::kBFloat16, .autocast = AutocastRules::kCpu};
  for (const Entry& entry : kTable) {
    const char* name = to_string(entry.op);
    EXPECT_EQ(operand_type(entry.op, at::kFloat, cuda), entry.cuda_of_fp32) << name;
    EXPECT_EQ(operand_type(entry.op, at::kBFloat16, cuda), entry.cuda_of_16) << name;
    EXPECT_EQ(operand_type(entry.op, at::kFloat, cpu), entry.cpu_of_fp32) << name;
    EXPECT_EQ(operand_type(entry.op, at::kBFloat16, cpu), entry.cpu_of_16) << name;
  }
}

TEST(ComputeRules, WithoutMixedPrecisionNothingIsCast) {
  for (const CastOp op : kCastOps)
    for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf})
      EXPECT_EQ(operand_type(op, type, {.compute = at::kHalf}), type) << to_string(op);
}

TEST(ComputeRules, ACastIsDifferentiableAndAnAbsentTensorStaysAbsent) {
  const ComputeRules rules{.compute = at::kHalf, .autocast = AutocastRules::kCuda};
  EXPECT_FALSE(ops::as_operand(CastOp::kMatmul, {}, rules).defined());
  const at::Tensor x = at::ones({2}, at::kFloat).requires_grad_();
  const at::Tensor cast = ops::as_operand(CastOp::kMatmul, x, rules);
  EXPECT_EQ(cast.scalar_type(), at::kHalf);
  cast.sum().backward();
  EXPECT_EQ(x.grad().scalar_type(), at::kFloat);
  // What already has the datatype is not copied.
  Tape tape(Tape::Mode::kDifferentiate);
  EXPECT_TRUE(dtbench::ops::as_operand(tape, CastOp::kTanh, Value(x), rules).tensor().is_same(x));
}

struct PolicyRules {
  const char* policy;
  at::ScalarType compute;
  AutocastRules autocast;
};

TEST(ComputeRules, ArePoliciesOwn) {
  for (const PolicyRules& wanted : {
           PolicyRules{"fp32_true", at::kFloat, AutocastRules::kNone},
           PolicyRules{"tf32", at::kFloat, AutocastRules::kNone},
           PolicyRules{"amp_fp16", at::kHalf, AutocastRules::kCuda},
           PolicyRules{"amp_bf16", at::kBFloat16, AutocastRules::kCuda},
           PolicyRules{"amp_bf16_8bit", at::kBFloat16, AutocastRules::kCuda},
           PolicyRules{"fp16_naive", at::kHalf, AutocastRules::kNone},
           PolicyRules{"bf16_pure", at::kBFloat16, AutocastRules::kNone},
       }) {
    const ComputeRules rules = compute_rules(policy_named(wanted.policy));
    EXPECT_EQ(rules.compute, wanted.compute) << wanted.policy;
    EXPECT_EQ(rules.autocast, wanted.autocast) << wanted.policy;
    EXPECT_EQ(rules.loss, LossRule::kContract) << wanted.policy;
    EXPECT_EQ(rules.gelu, GeluRule::kKernel) << wanted.policy;
  }
}

}  // namespace
}  // namespace dtbench::testing
