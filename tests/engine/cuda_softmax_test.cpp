// The CUDA kernels of attention's softmax and of cross-entropy, held to fp64.
#include <ATen/ATen.h>

#include <limits>

#include "engine/cuda_device.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/ops/attention_softmax.h"
#include "engine/ops/canary.h"
#include "engine/ops/cross_entropy.h"

namespace dtbench::testing {
namespace {

constexpr at::ScalarType kStored[] = {at::kFloat, at::kBFloat16, at::kHalf};

// Where |found - exact| exceeds `relative` x scale, and half a spacing of `stored` for its
// rounding.
at::Tensor beyond(const at::Tensor& found, const at::Tensor& exact, const at::Tensor& scale,
                  double relative, at::ScalarType stored) {
  const double half_spacing = stored == at::kFloat ? 0 : epsilon(dtype_of(stored)) / 2;
  const double smallest = stored == at::kHalf    ? 0x1p-25
                          : stored == at::kFloat ? 0x1p-149
                                                 : 0x1p-134;
  const at::Tensor allowed = relative * scale + half_spacing * (exact.abs() + relative * scale);
  return (found.to(at::kDouble) - exact).abs() > allowed + smallest;
}

// Of a probability, relative, in roundings of 2^-24. Of a term: that of a scaled score below 32,
// that of its difference to the largest, below 64, and exp (2 units in the last place, as CUDA's
// programming guide states). Of the sum: its terms' and that of keys / 128 + 9 additions one after
// another. Then the inverse and the product with it.
double probability_error(std::int64_t keys) {
  return (2 * (32 + 64 + 4) + static_cast<double>(keys) / 128 + 9 + 2) * 0x1p-24;
}

struct Scores {
  at::Tensor stored, upstream, mask;
  double scale = 0.1443;  // no power of two

  at::Tensor exact_probabilities() const {
    at::Tensor scaled = stored.to(at::kDouble) * scale;
    if (mask.defined()) scaled.masked_fill_(mask, std::numeric_limits<float>::lowest());
    return at::softmax(scaled, -1);
  }
};

// Three samples of two heads; the mask is none, causal, padding with a sample of padding alone, or
// both.
Scores scores(at::ScalarType type, std::int64_t queries, std::int64_t keys, int mask,
              const c10::Device& device) {
  const at::TensorOptions options(device);
  Scores result{(at::randn({3, 2, queries, keys}, options) * 40).to(type),
                at::randn({3, 2, queries, keys}, options).to(type),
                {}};
  at::Tensor real = at::rand({3, keys}, options) < 0.8;
  real[1].fill_(false);
  if (mask == 1 || mask == 3)
    result.mask = ops::causal_mask(keys, mask == 3 ? real : at::Tensor(), device)
                      .narrow(2, keys - queries, queries);
  if (mask == 2) result.mask = ops::padding_mask(real);
  return result;
}

TEST_F(Cuda, AttentionsProbabilitiesEqualFp64sUpToRounding) {
  at::manual_seed(11);
  for (const at::ScalarType type : kStored)
    for (const std::int64_t keys : {1, 31, 48, 129, 600, 1024, 1500})
      for (const int mask : {0, 1, 2, 3}) {
        const Scores in = scores(type, std::min<std::int64_t>(keys, 7), keys, mask, device_);
        const at::Tensor exact = in.exact_probabilities();
        const at::Tensor found = ops::attention_probabilities(in.stored.clone(), in.mask, in.scale);
        EXPECT_EQ(found.scalar_type(), type);
        EXPECT_FALSE(beyond(found, exact, exact, probability_error(keys), type).any().item<bool>())
            << c10::toString(type) << ' ' << keys << " keys, mask " << mask;
      }
}

// Negative control: scores of ten mantissa bits, as tensor cores would make them, are out of
// bounds.
TEST_F(Cuda, AttentionsProbabilitiesOfCutScoresAreSeen) {
  at::manual_seed(11);
  const Scores in = scores(at::kFloat, 7, 600, 1, device_);
  const at::Tensor exact = in.exact_probabilities();
  const at::Tensor found = ops::attention_probabilities(cut_to_tf32(in.stored), in.mask, in.scale);
  EXPECT_TRUE(beyond(found, exact, exact, probability_error(600), at::kFloat).any().item<bool>());
}

TEST_F(Cuda, AttentionsScoreGradientEqualsFp64sUpToRounding) {
  at::manual_seed(12);
  for (const at::ScalarType type : kStored)
    for (const std::int64_t keys : {1, 48, 129, 600, 1024, 1500})
      for (const int mask : {0, 1, 2, 3}) {
        const Scores in = scores(type, std::min<std::int64_t>(keys, 7), keys, mask, device_);
        const at::Tensor exact = in.exact_probabilities(), upstream = in.upstream.to(at::kDouble);
        const at::Tensor dot = (exact * upstream).sum(-1, /*keepdim=*/true);
        const at::Tensor magnitude = (exact * upstream).abs().sum(-1, /*keepdim=*/true);
        const at::Tensor wanted = exact * (upstream - dot) * in.scale;
        const at::Tensor scale = exact * (upstream.abs() + magnitude) * in.scale;
        const ops::ScoreGradient found = ops::attention_softmax_backward(
            in.stored.clone(), in.upstream.clone(), in.mask, in.scale);
        // The probability's error twice: as a factor and in the sum over keys, which adds its own.
        const double relative = 3 * probability_error(keys);
        EXPECT_FALSE(beyond(found.scores, wanted, scale, relative, type).any().item<bool>())
            << c10::toString(type) << ' ' << keys << " keys, mask " << mask;
        // The pass back draws on the probabilities of the pass forward, bit for bit.
        EXPECT_TRUE(at::equal(found.probabilities,
                              ops::attention_probabilities(in.stored.clone(), in.mask, in.scale)));
      }
}

// A NaN or an infinity spoils its row and no other, as in torch.
TEST_F(Cuda, ANonFiniteScoreSpoilsItsRowAlone) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    at::Tensor in = at::randn({1, 1, 5, 70}, at::TensorOptions(device_));
    in[0][0][3][69] = bad;
    const at::Tensor nan = ops::attention_probabilities(in, {}, 1.0).isnan();
    EXPECT_TRUE(nan[0][0][3].all().item<bool>());
    EXPECT_EQ(nan.sum().item<std::int64_t>(), 70);
  }
}

TEST_F(Cuda, CrossEntropyEqualsFp64sUpToRounding) {
  at::manual_seed(13);
  for (const at::ScalarType type : kStored)
    for (const std::int64_t classes : {2, 21, 511, 50257}) {
      const at::Tensor logits = (at::randn({37, classes}, at::TensorOptions(device_)) * 4).to(type);
      const at::Tensor targets =
          at::randint(classes, {37}, at::TensorOptions(device_).dtype(at::kLong));
      const double scale = 1024, count = 37;
      const at::Tensor log_softmax = at::log_softmax(logits.to(at::kDouble), 1);
      const double exact_loss = -log_softmax.gather(1, targets.unsqueeze(1)).sum().item<double>();
      const at::Tensor softmax = log_softmax.exp();
      const at::Tensor onehot = at::zeros_like(softmax).scatter_(1, targets.unsqueeze(1), 1.0);
      const at::Tensor exact = (softmax - onehot) * (scale / count);

      const LossAndGradient found =
          ops::cross_entropy_with_gradient(logits.clone(), targets, {count, scale}, true);
      // Logits are below 32 and differ by less than 64, as the loss is: three roundings there, and
      // the sum's error in the logarithm.
      const double sum_error = (2 * (64 + 4) + static_cast<double>(classes) / 512 + 21) * 0x1p-24;
      EXPECT_NEAR(found.loss_sum.item<double>(), exact_loss,
                  count * (3 * 64 * 0x1p-24 + sum_error));
      const at::Tensor magnitude = (softmax + onehot) * (scale / count);
      EXPECT_FALSE(beyond(found.gradient, exact, magnitude, 2 * sum_error, type).any().item<bool>())
          << c10::toString(type) << ' ' << classes << " classes";
      EXPECT_EQ(ops::cross_entropy_with_gradient(logits.clone(), targets, {count, scale}, false)
                    .loss_sum.item<double>(),
                found.loss_sum.item<double>());
    }
}

TEST_F(Cuda, ANonFiniteLogitSpoilsItsRowAlone) {
  at::Tensor logits = at::zeros({3, 600}, at::TensorOptions(device_).dtype(at::kHalf));
  logits[1][599] = std::numeric_limits<double>::infinity();
  const at::Tensor targets = at::zeros({3}, at::TensorOptions(device_).dtype(at::kLong));
  const auto found = ops::cross_entropy_with_gradient(logits, targets, {3.0, 1.0}, true);
  EXPECT_TRUE(std::isnan(found.loss_sum.item<double>()));
  EXPECT_TRUE(found.gradient[1].isnan().all().item<bool>());
  EXPECT_EQ(found.gradient.isnan().sum().item<std::int64_t>(), 600);
}

}  // namespace
}  // namespace dtbench::testing
