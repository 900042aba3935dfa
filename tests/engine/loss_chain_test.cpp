// `loss = "transformers"`: the chains of roundings against torch's own losses, and shares of a
// global batch against the whole.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engine/judge.h"
#include "engine/ops/binary_cross_entropy.h"
#include "engine/ops/cross_entropy.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

using Chain = at::Tensor (*)(const at::Tensor&, const at::Tensor&, const LossNormalizer&);
struct Loss {
  const char* name;
  Chain chain;
  at::Tensor (*mean)(const at::Tensor& logits, const at::Tensor& targets);  // torch's
  bool by_row;  // a target a row rather than an element
};

constexpr Loss kLosses[] = {
    {"cross_entropy", ops::cross_entropy_chain,
     [](const at::Tensor& logits, const at::Tensor& targets) {
       return at::cross_entropy_loss(logits, targets);
     },
     true},
    {"binary_cross_entropy", ops::binary_cross_entropy_chain,
     [](const at::Tensor& logits, const at::Tensor& targets) {
       return at::binary_cross_entropy_with_logits(logits, targets.to(logits.scalar_type()));
     },
     false},
};

struct Case {
  at::Tensor logits, targets;
  double count;
};

Case make_case(const Loss& loss, std::int64_t rows, at::ScalarType type) {
  at::manual_seed(3);
  constexpr std::int64_t kClasses = 12;
  const at::Tensor logits = normal_leaf({rows, kClasses}, type);
  if (loss.by_row)
    return {logits, at::randint(kClasses, {rows}, at::kLong), static_cast<double>(rows)};
  return {logits, at::rand({rows, kClasses}).lt(0.3).to(at::kFloat),
          static_cast<double>(rows * kClasses)};
}

at::Tensor gradient(const at::Tensor& loss, const at::Tensor& logits) {
  return gradients(loss, {logits}, at::ones_like(loss))[0];
}

TEST(LossChain, IsTorchsMeanOnTheWholeBatch) {
  for (const Loss& loss : kLosses) {
    const Case c = make_case(loss, 8, at::kDouble);
    const at::Tensor found = loss.chain(c.logits, c.targets, {c.count, 1.0});
    const at::Tensor wanted = loss.mean(c.logits, c.targets);
    EXPECT_EQ(found.scalar_type(), at::kDouble);
    EXPECT_NEAR(found.item<double>(), wanted.item<double>(), 1e-14) << loss.name;
    EXPECT_TRUE(at::allclose(gradient(found, c.logits), gradient(wanted, c.logits), 1e-13, 1e-15))
        << loss.name;
  }
}

// The chains in fp64 with their roundings put in. torch's CPU kernels are no judge here: their
// log-softmax of 16-bit logits is off by more than a rounding.
struct Rounded {
  double loss;
  at::Tensor gradient, bound;  // the gradient before its last rounding, and what that may add
};

at::Tensor round_to(const at::Tensor& x, at::ScalarType type) {
  return x.to(type).to(at::kDouble);
}

Rounded rounded_cross_entropy(const Case& c, double scale) {
  const at::ScalarType type = c.logits.scalar_type();
  const at::Tensor log_p = round_to(at::log_softmax(exact(c.logits), 1), type);
  const at::Tensor onehot = at::one_hot(c.targets, log_p.size(1)).to(at::kDouble);
  const at::Tensor gradient = (log_p.exp() - onehot) * (scale / c.count);
  return {round_to(-(log_p * onehot).sum() / c.count, type).item<double>(), gradient,
          reduction_bound(gradient.abs(), type, 12) + 4 * 0x1p-24 * scale / c.count};
}

// Four roundings: of the mean's gradient, of both terms' gradients and of their sum.
Rounded rounded_binary_cross_entropy(const Case& c, double scale) {
  const at::ScalarType type = c.logits.scalar_type();
  const at::Tensor x = exact(c.logits), absent = 1 - exact(c.targets);
  const at::Tensor losses = absent * x - round_to(at::log_sigmoid(x), type);
  const at::Tensor terms = (absent + at::sigmoid(-x)) * (scale / c.count);
  return {losses.mean().item<double>(), (absent - at::sigmoid(-x)) * (scale / c.count),
          4 * reduction_bound(terms, type, 1)};
}

TEST(LossChain, RoundsLogProbabilitiesAndTheMean) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const Case c = make_case(kLosses[0], 8, type);
    const Rounded wanted = rounded_cross_entropy(c, 256);
    const at::Tensor found = ops::cross_entropy_chain(c.logits, c.targets, {c.count, 256.0});
    EXPECT_EQ(found.item<double>(), wanted.loss) << type;
    EXPECT_TRUE(within(gradient(found, c.logits), wanted.gradient, wanted.bound)) << type;
  }
}

TEST(LossChain, RoundsLogSigmoidsAndNotTheirMean) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const Case c = make_case(kLosses[1], 8, type);
    const Rounded wanted = rounded_binary_cross_entropy(c, 256);
    const at::Tensor found = ops::binary_cross_entropy_chain(c.logits, c.targets, {c.count, 256.0});
    EXPECT_NEAR(found.item<double>(), wanted.loss, 8 * 0x1p-24 * wanted.loss) << type;
    EXPECT_TRUE(within(gradient(found, c.logits), wanted.gradient, wanted.bound)) << type;
  }
}

// Shares of micro-batches of 1, 3 and 4 rows, and of none, add up to the whole.
TEST(LossChain, SharesAddUp) {
  for (const Loss& loss : kLosses) {
    const Case c = make_case(loss, 8, at::kDouble);
    const at::Tensor whole = loss.chain(c.logits, c.targets, {c.count, 4.0});
    at::Tensor sum = at::zeros({}, at::kDouble), summed = at::zeros_like(c.logits);
    std::int64_t first = 0;
    for (const std::int64_t rows : {1, 3, 4}) {
      const at::Tensor part = loss.chain(c.logits.narrow(0, first, rows),
                                         c.targets.narrow(0, first, rows), {c.count, 4.0});
      sum = sum + part.detach();
      summed = summed + gradient(part, c.logits);
      first += rows;
    }
    EXPECT_NEAR(sum.item<double>(), whole.item<double>(), 1e-14) << loss.name;
    EXPECT_TRUE(at::allclose(summed, gradient(whole, c.logits), 1e-13, 1e-15)) << loss.name;
  }
}

TEST(LossChain, AMicroBatchWithoutTargetsHasNoShare) {
  const at::Tensor logits = at::zeros({0, 12}, at::kHalf).requires_grad_();
  const at::Tensor loss =
      ops::cross_entropy_chain(logits, at::zeros({0}, at::kLong), {5.0, 65536.0});
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(gradient(loss, logits).numel(), 0);
}

// 32,768 rows of a loss of 7.4: the sum is beyond fp16, and torch's CPU kernel, which adds in it,
// says infinity. CUDA's adds in fp32.
TEST(LossChain, SumsInFp32WhereTorchsCpuKernelOverflows) {
  at::manual_seed(4);
  const at::Tensor logits = normal_leaf({32768, 1000}, at::kHalf);
  const at::Tensor targets = at::randint(1000, {32768}, at::kLong);
  const double wanted = at::cross_entropy_loss(exact(logits), targets).item<double>();
  const double found = ops::cross_entropy_chain(logits, targets, {32768.0, 1.0}).item<double>();
  EXPECT_NEAR(found, wanted, 0x1p-10 * wanted);  // the mean's rounding, and the rows' on average
  EXPECT_TRUE(std::isinf(at::cross_entropy_loss(logits, targets).item<double>()));
}

// Negative control for "one rounding": what the contract's own losses keep to, the chains do not.
TEST(LossChain, RoundsMoreThanTheContractsLoss) {
  constexpr Chain kOwn[] = {ops::cross_entropy, ops::binary_cross_entropy};
  for (std::size_t i = 0; i < std::size(kLosses); ++i) {
    const Case c = make_case(kLosses[i], 8, at::kBFloat16);
    const at::Tensor wide = exact_leaf(c.logits);
    const at::Tensor wanted = gradient(kLosses[i].mean(wide, c.targets), wide);
    const at::Tensor bound =
        reduction_bound(wanted.abs(), at::kBFloat16, 12) + 4 * 0x1p-24 / c.count;
    const LossNormalizer normalizer{c.count, 1.0};
    const auto close = [&](Chain loss) {
      return within(gradient(loss(c.logits, c.targets, normalizer), c.logits), wanted, bound);
    };
    EXPECT_TRUE(close(kOwn[i])) << kLosses[i].name;
    EXPECT_FALSE(close(kLosses[i].chain)) << kLosses[i].name;
  }
}

}  // namespace
}  // namespace dtbench::testing
