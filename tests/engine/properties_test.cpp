// Operations on random shapes and numbers, held to fp64. RapidCheck shrinks what fails and prints
// the RC_PARAMS that repeat it.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/judge.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/matmul.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

void require(const ::testing::AssertionResult& result) {
  if (!result) RC_FAIL(std::string(result.message()));
}

std::int64_t size(std::int64_t least, std::int64_t most) {
  return *rc::gen::inRange<std::int64_t>(least, most + 1);
}

at::ScalarType any_type() {
  return *rc::gen::element(at::kHalf, at::kBFloat16, at::kFloat);
}

void seed_numbers() {
  at::manual_seed(*rc::gen::inRange<std::uint64_t>(0, 1 << 20));
}

// fp32 sums of `length` terms, relative to the terms' magnitudes.
double inside(std::int64_t length) {
  return reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, static_cast<double>(length));
}

RC_GTEST_PROP(Property, AffineMapsStayWithinTheBound, ()) {
  seed_numbers();
  const std::int64_t rows = size(1, 40), in = size(1, 70), out = size(1, 40);
  const at::ScalarType type = any_type();
  const at::Tensor x = normal_leaf({rows, in}, type), dy = normal_leaf({rows, out}, type).detach();
  const at::Tensor weight = normal_leaf({in, out}, type), bias = normal_leaf({out}, type);
  const at::Tensor y = ops::conv1d(x, weight, bias, {.compute = type});
  const auto found = gradients(y, {x, weight, bias}, dy);
  const auto require_matmul = [&](const at::Tensor& value, const at::Tensor& a, const at::Tensor& b,
                                  const at::Tensor& plus) {
    const at::Tensor magnitude = at::matmul(exact(a).abs(), exact(b).abs()) + exact(plus).abs();
    const auto length = static_cast<double>(a.size(1) + 1);
    require(within(value, at::matmul(exact(a), exact(b)) + exact(plus),
                   reduction_bound(magnitude, type, length)));
  };
  const at::Tensor nothing = at::zeros({1}), ones = at::ones({1, rows}, type);
  require_matmul(y, x, weight, bias);
  require_matmul(found[0], dy, weight.t(), nothing);
  require_matmul(found[1], x.t(), dy, nothing);
  require_matmul(found[2].view({1, out}), ones, dy, nothing);
  require_matmul(ops::linear(x, weight.t(), {}, {.compute = type}), x, weight, nothing);
}

RC_GTEST_PROP(Property, EmbeddingGradientsAreRoundedOnce, ()) {
  seed_numbers();
  const std::int64_t rows = size(1, 12), count = size(0, 300), width = size(1, 9);
  const std::int64_t padding = size(-1, rows - 1);
  const at::ScalarType type = any_type();
  const at::Tensor table = normal_leaf({rows, width}, type);
  const at::Tensor ids = at::randint(rows, {count}, at::kLong);
  const at::Tensor dy = normal_leaf({count, width}, type).detach();
  const at::Tensor y = ops::embedding(table, ids, padding);
  RC_ASSERT(at::equal(y, table.index_select(0, ids)));
  const auto summed = [&](const at::Tensor& upstream) {
    at::Tensor sum = at::zeros({rows, width}, at::kDouble).index_add(0, ids, upstream);
    if (padding >= 0) sum[padding].zero_();
    return sum;
  };
  require(within(gradients(y, {table}, dy)[0], summed(exact(dy)),
                 reduction_bound(summed(exact(dy).abs()), type, static_cast<double>(count + 1))));
}

// Errors inside grow with a row's largest number in deviations: what is subtracted from what is
// left. Eight operations follow on each sum.
RC_GTEST_PROP(Property, LayerNormStaysWithinTheBound, ()) {
  seed_numbers();
  const std::int64_t rows = size(1, 30), width = size(2, 90);
  const at::ScalarType type = any_type();
  const at::Tensor x = normal_leaf({rows, width}, type), weight = normal_leaf({width}, type);
  const at::Tensor bias = normal_leaf({width}, type),
                   dy = normal_leaf({rows, width}, type).detach();
  const at::Tensor y = ops::layer_norm(x, weight, bias, 1e-5, {.compute = type});
  const auto found = gradients(y, {x, weight, bias}, dy);

  const at::Tensor wide = exact_leaf(x), scale = exact_leaf(weight), shift = exact_leaf(bias);
  const at::Tensor wanted = at::layer_norm(wide, {width}, scale, shift, 1e-5);
  const auto slopes = gradients(wanted, {wide, scale, shift}, exact(dy));

  const at::Tensor centred = exact(x) - exact(x).mean(1, true);
  const at::Tensor rstd = (centred.square().mean(1, true) + 1e-5).rsqrt();
  const at::Tensor normalized = (centred * rstd).abs();
  const at::Tensor error = 8 * inside(width) * (1 + exact(x).abs().amax(1, true) * rstd);
  const auto rounded = [&](const at::Tensor& value) {
    return reduction_bound(value.abs(), type, 1);
  };
  const at::Tensor g = (exact(dy) * exact(weight)).abs().amax(1, true);
  require(within(y, wanted, rounded(wanted) + error * (exact(weight).abs() + exact(bias).abs())));
  require(within(found[0], slopes[0],
                 rounded(slopes[0]) + error * rstd * g * (2 + normalized.amax(1, true).square())));
  require(within(found[1], slopes[1],
                 rounded(slopes[1]) + 8 * inside(rows) * (exact(dy).abs() * normalized).sum(0) +
                     (exact(dy).abs() * error).sum(0)));
  require(within(found[2], slopes[2],
                 reduction_bound(exact(dy).abs().sum(0), type, static_cast<double>(rows))));
}

// Enough rows and classes for several blocks; a row's gradient is its own, whoever is beside it.
RC_GTEST_PROP(Property, CrossEntropyInBlocksStaysWithinTheBound, ()) {
  seed_numbers();
  const std::int64_t classes = size(2, 4000), rows = size(1, 150);
  const at::ScalarType type = any_type();
  const double count = static_cast<double>(rows + size(0, 5)), scale = 1024;
  const at::Tensor logits = normal_leaf({rows, classes}, type).detach() * 3;
  const at::Tensor targets = at::randint(classes, {rows}, at::kLong);
  const auto found =
      ops::cross_entropy_with_gradient(logits.clone(), targets, {count, scale}, true);

  const at::Tensor wide = exact(logits), p = at::softmax(wide, 1);
  const at::Tensor onehot = at::one_hot(targets, classes).to(at::kDouble);
  const at::Tensor losses = -(at::log_softmax(wide, 1) * onehot).sum(1);
  const double error = 4 * inside(classes);
  RC_ASSERT(std::abs(found.loss_sum.item<double>() - losses.sum().item<double>()) <=
            error * (1 + wide.abs().amax(1)).sum().item<double>());
  const at::Tensor gradient = (p - onehot) * (scale / count);
  require(within(found.gradient, gradient,
                 reduction_bound(gradient.abs(), type, 1) + error * (p + onehot) * scale / count));

  const std::int64_t row = size(0, rows - 1);
  const auto alone = ops::cross_entropy_with_gradient(
      logits.narrow(0, row, 1).clone(), targets.narrow(0, row, 1), {count, scale}, true);
  RC_ASSERT(at::equal(alone.gradient[0], found.gradient[row]));
}

struct AttentionCase {
  std::int64_t samples, heads, tokens, width;
  at::Tensor mask;
  std::int64_t block_bytes;
};

AttentionCase any_attention() {
  AttentionCase c{size(1, 3), size(1, 3), size(1, 17), size(1, 12), {}, size(1, 40) * 64};
  const at::Tensor mask = at::rand({c.samples, c.tokens}) < 0.8;
  const std::int64_t kind = size(0, 3);
  if (kind == 1) c.mask = ops::padding_mask(mask);
  if (kind == 2) c.mask = ops::causal_mask(c.tokens, {}, at::kCPU);
  if (kind == 3) c.mask = ops::causal_mask(c.tokens, mask, at::kCPU);
  return c;
}

at::Tensor draw(const AttentionCase& c, at::ScalarType type) {
  return normal_leaf({c.samples, c.heads, c.tokens, c.width}, type);
}

at::Tensor probabilities(const AttentionCase& c, const at::Tensor& query, const at::Tensor& key) {
  at::Tensor scores =
      at::matmul(query, key.transpose(-1, -2)) / std::sqrt(static_cast<double>(c.width));
  // Added, as in Transformers, so that a row of padding alone passes its gradient on.
  if (c.mask.defined())
    scores = scores + at::zeros(c.mask.sizes(), at::kDouble)
                          .masked_fill(c.mask, std::numeric_limits<double>::lowest());
  return at::softmax(scores, -1);
}

RC_GTEST_PROP(Property, AttentionInBlocksIsAttention, ()) {
  seed_numbers();
  const AttentionCase c = any_attention();
  const at::Tensor q = draw(c, at::kDouble), k = draw(c, at::kDouble), v = draw(c, at::kDouble);
  const at::Tensor dy = draw(c, at::kDouble).detach();
  const at::Tensor found = ops::attention_in_blocks(q, k, v, c.mask, c.block_bytes);
  const at::Tensor wanted = at::matmul(probabilities(c, q, k), v);
  RC_ASSERT(at::allclose(found, wanted, 1e-12, 1e-13));
  const auto ours = gradients(found, {q, k, v}, dy), theirs = gradients(wanted, {q, k, v}, dy);
  for (std::size_t i = 0; i < 3; ++i)
    RC_ASSERT(at::allclose(ours[i], theirs[i], 1e-11, 1e-12));
}

// A score is off by its rounding, so a probability by a factor of e to twice the largest; then the
// probability and the output are rounded.
RC_GTEST_PROP(Property, AttentionStaysWithinTheBoundOfItsRoundingPoints, ()) {
  seed_numbers();
  const AttentionCase c = any_attention();
  const at::ScalarType type = any_type();
  const at::Tensor q = draw(c, type), k = draw(c, type), v = draw(c, type);
  const at::Tensor found = ops::attention_in_blocks(q, k, v, c.mask, c.block_bytes);
  const at::Tensor p = probabilities(c, exact(q), exact(k)), magnitude = exact(v).abs();
  const at::Tensor products = at::matmul(exact(q).abs(), exact(k).abs().transpose(-1, -2)) /
                              std::sqrt(static_cast<double>(c.width));
  const at::Tensor score_error =
      reduction_bound(products, type, static_cast<double>(c.width)).amax(-1, true) +
      inside(1) * products.amax(-1, true);
  const at::Tensor factor = at::expm1(2 * score_error) + 4 * inside(c.tokens);
  const at::Tensor off = p * factor + reduction_bound(p * (1 + factor), type, 1);
  const at::Tensor wanted = at::matmul(p, exact(v));
  require(within(found, wanted,
                 at::matmul(off, magnitude) + reduction_bound(at::matmul(p + off, magnitude), type,
                                                              static_cast<double>(c.tokens))));
}

}  // namespace
}  // namespace dtbench::testing
