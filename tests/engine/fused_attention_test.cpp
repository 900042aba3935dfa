// Fused attention held to attention in fp64, and what its blocks, threads and masks may not change.
// Its rounding points are held to the oracle in tests/parity.
#include "engine/ops/fused_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/cuda_device.h"
#include "engine/judge.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/small_model.h"
#include "engine/taped.h"
#include "engine/train/trainer.h"

namespace dtbench::testing {
namespace {

struct Inputs {
  at::Tensor query, key, value, upstream;
  dtbench::ops::KeyMask mask;
};

enum class Padding { kNone, kRight, kScattered };

Inputs inputs(at::ScalarType type, std::int64_t tokens, bool causal, Padding padding) {
  constexpr std::int64_t kSamples = 3, kHeadCount = 2, kChannels = 8;
  at::manual_seed(4);
  const auto draw = [&] { return normal_leaf({kSamples, kHeadCount, tokens, kChannels}, type); };
  Inputs in{draw(), draw(), draw(), draw().detach(), {causal, {}}};
  if (padding == Padding::kNone) return in;
  in.mask.padding = at::rand({kSamples, tokens}) < 0.3;
  if (padding == Padding::kRight) {
    const at::Tensor length = at::tensor({tokens, tokens / 2 + 1, std::int64_t{1}});
    in.mask.padding = at::arange(tokens).unsqueeze(0) >= length.unsqueeze(1);
  } else {
    in.mask.padding[0].fill_(true);  // a sample of padding alone
  }
  return in;
}

// Output and the three gradients.
std::vector<at::Tensor> fused(const Inputs& in) {
  const at::Tensor out = ops::fused_attention(in.query, in.key, in.value, in.mask);
  std::vector<at::Tensor> all = gradients(out, {in.query, in.key, in.value}, in.upstream);
  all.push_back(out.detach());
  return all;
}

// The same by torch's own operations in fp64, under autograd.
std::vector<at::Tensor> exact_attention(const Inputs& in) {
  const at::Tensor q = exact_leaf(in.query), k = exact_leaf(in.key), v = exact_leaf(in.value);
  at::Tensor scores =
      at::matmul(q, k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1)));
  const double lowest = std::numeric_limits<double>::lowest();
  at::Tensor mask = at::zeros({q.size(0), 1, q.size(2), q.size(2)}, at::kDouble);
  if (in.mask.causal)
    mask = mask.masked_fill(at::ones({q.size(2), q.size(2)}, at::kBool).triu(1), lowest);
  if (in.mask.padding.defined())
    mask = mask.masked_fill(in.mask.padding.unsqueeze(1).unsqueeze(1), lowest);
  // Added, as in Transformers, so that a row of padding alone passes its gradient on.
  const at::Tensor out = at::matmul(at::softmax(scores + mask, -1), v);
  std::vector<at::Tensor> all = gradients(out, {q, k, v}, exact(in.upstream));
  all.push_back(out.detach());
  return all;
}

class FusedAttentionOf : public ::testing::TestWithParam<std::tuple<std::int64_t, bool, Padding>> {
 protected:
  Inputs inputs_of(at::ScalarType type) const {
    const auto [tokens, causal, padding] = GetParam();
    return inputs(type, tokens, causal, padding);
  }
};

// One token, odd lengths, and lengths of several blocks of queries, the last of them short.
INSTANTIATE_TEST_SUITE_P(Shapes, FusedAttentionOf,
                         ::testing::Combine(::testing::Values(std::int64_t{1}, std::int64_t{7},
                                                              std::int64_t{128}, std::int64_t{301}),
                                            ::testing::Bool(),
                                            ::testing::Values(Padding::kNone, Padding::kRight,
                                                              Padding::kScattered)));

TEST_P(FusedAttentionOf, IsAttentionInFp64) {
  const Inputs in = inputs_of(at::kDouble);
  const auto found = fused(in), wanted = exact_attention(in);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(at::allclose(found[i], wanted[i], 1e-11, 1e-12)) << i;
}

// Whether the results (output last) are those of exact attention but for the roundings on the way.
// A row's error in fp32: of T + D terms in a row, twice (scores enter an exponential); in 16 bits
// also that of three roundings on the way to each result, each of half a spacing, relative to the
// largest result.
void expect_within_the_bound(const Inputs& in, const std::vector<at::Tensor>& found) {
  const auto wanted = exact_attention(in);
  const at::ScalarType type = in.query.scalar_type();
  const auto terms = static_cast<double>(in.query.size(2) + in.query.size(3));
  const double inside = 4 * reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, terms);
  const double stored = type == at::kFloat ? 0 : 3 * epsilon(dtype_of(type)) / 2;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found[i].scalar_type(), type);
    // Sums of dO O, and of rows of dS, are of many roundings at once.
    const double terms_of_rounded = i == 3 ? 1 : std::sqrt(terms);
    const double scale = wanted[i].abs().max().item<double>();
    EXPECT_LE((exact(found[i].cpu()) - wanted[i]).abs().max().item<double>(),
              (inside + stored * terms_of_rounded) * scale)
        << i << ' ' << type;
  }
}

TEST_P(FusedAttentionOf, StaysWithinTheBoundOfItsRoundingPoints) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const Inputs in = inputs_of(type);
    expect_within_the_bound(in, fused(in));
  }
}

// By torch's kernels in 16 bits, composed in fp32. Padding stands on the right, as in batches.
TEST_F(Cuda, FusedAttentionStaysWithinTheBoundOfItsRoundingPoints) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
    for (const std::int64_t tokens : {7, 128, 301})
      for (const bool causal : {false, true})
        for (const Padding padding : {Padding::kNone, Padding::kRight}) {
          const Inputs here = inputs(type, tokens, causal, padding);
          Inputs there = here;
          for (at::Tensor* x : {&there.query, &there.key, &there.value})
            *x = x->detach().to(device_).requires_grad_();
          there.upstream = here.upstream.to(device_);
          if (there.mask.padding.defined()) there.mask.padding = there.mask.padding.to(device_);
          expect_within_the_bound(here, fused(there));
        }
}

// Heads are worked on by one thread each, in one order.
TEST_P(FusedAttentionOf, ThreadsChangeNoBit) {
  const Inputs in = inputs_of(at::kBFloat16);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = fused(in);
  at::set_num_threads(2);
  const auto two = fused(in);
  at::set_num_threads(before);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(at::equal(one[i], two[i])) << i;
}

TEST(FusedAttention, NoTokenSeesTheFuture) {
  const Inputs in = inputs(at::kFloat, 300, /*causal=*/true, Padding::kNone);
  Inputs changed = in;
  changed.value = in.value.detach().clone();
  changed.value.select(2, 299).fill_(1000.0);
  changed.value.requires_grad_();
  const at::Tensor before = fused(in)[3], after = fused(changed)[3];
  EXPECT_TRUE(at::equal(before.narrow(2, 0, 299), after.narrow(2, 0, 299)));
  EXPECT_FALSE(at::equal(before.select(2, 299), after.select(2, 299)));
}

// What is not finite in a value that every row sees is not finite in every row.
TEST(FusedAttention, NanInGivesNanOut) {
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    Inputs in = inputs(at::kBFloat16, 150, /*causal=*/true, Padding::kNone);
    in.query = in.query.detach().clone();
    in.query[1][0][40][3] = bad;
    in.query.requires_grad_();
    const at::Tensor out = fused(in)[3];
    EXPECT_TRUE(out[1][0][40].isnan().all().item<bool>()) << bad;
    EXPECT_EQ(out.isnan().sum().item<std::int64_t>(), out.size(3)) << bad;
    const at::Tensor key_gradient = fused(in)[1];
    EXPECT_TRUE(key_gradient[1][0].narrow(0, 0, 41).isnan().all().item<bool>()) << bad;
  }
}

// The scores of composed attention overflow fp16; fused attention does not store them.
TEST(FusedAttention, ScoresBeyondFp16AreNotStored) {
  Inputs in = inputs(at::kHalf, 12, /*causal=*/true, Padding::kNone);
  for (at::Tensor* x : {&in.query, &in.key})
    *x = (x->detach() * 200).requires_grad_();
  const at::Tensor composed =
      ops::attention(in.query, in.key, in.value, dtbench::ops::causal_mask(12, {}, at::kCPU));
  EXPECT_TRUE(composed.isnan().any().item<bool>());
  EXPECT_TRUE(fused(in)[3].isfinite().all().item<bool>());
}

RunSpec spec_of(const std::string& scenario, const std::string& policy, AttentionForm form) {
  RunSpec spec = tiny_spec(scenario);
  spec.policy = policy_named(policy);
  spec.model.attention = form;
  spec.train.steps = 3;
  spec.train.eval_examples = 2;
  return spec;
}

StepEvent first_step(const RunSpec& spec) {
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  Trainer::Gradients step = trainer.compute_gradients(0);
  trainer.apply_gradients(step);
  return step.event;
}

// Where nothing rounds the forms are one: the same loss and norm but for the order of sums.
TEST(FusedAttention, TrainsAsComposedWhereNothingRounds) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"}) {
    const StepEvent composed = first_step(spec_of(scenario, "fp32_true", AttentionForm::kComposed));
    const StepEvent found = first_step(spec_of(scenario, "fp32_true", AttentionForm::kFused));
    EXPECT_NEAR(found.loss, composed.loss, 1e-5 * composed.loss) << scenario;
    EXPECT_NEAR(found.grad_norm, composed.grad_norm, 1e-4 * composed.grad_norm) << scenario;
  }
}

// Negative control: in 16 bits they are two cells.
TEST(FusedAttention, TrainsOtherwiseThanComposedIn16Bits) {
  for (const char* policy : {"amp_bf16", "bf16_pure", "amp_fp16"}) {
    const StepEvent composed = first_step(spec_of("A", policy, AttentionForm::kComposed));
    const StepEvent found = first_step(spec_of("A", policy, AttentionForm::kFused));
    EXPECT_NE(found.grad_norm, composed.grad_norm) << policy;
    EXPECT_NEAR(found.loss, composed.loss, 0.02 * composed.loss) << policy;
  }
}

TEST(FusedAttention, IsASettingOfTheCellAndComposedIsNot) {
  const RunSpec composed = spec_of("A", "fp32_true", AttentionForm::kComposed);
  const RunSpec found = spec_of("A", "fp32_true", AttentionForm::kFused);
  EXPECT_NE(cell_id(found), cell_id(composed));
  EXPECT_FALSE(to_json(composed).at("model").contains("attention"));
  EXPECT_EQ(to_json(found).at("model").at("attention"), "fused");
}

}  // namespace
}  // namespace dtbench::testing
