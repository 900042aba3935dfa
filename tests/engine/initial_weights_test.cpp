#include "engine/model/initial_weights.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

constexpr InitialValue kNormal{0.02, 0};

TEST(InitialWeights, AnElementIsItsOwnDraw) {
  const at::Tensor values = draw_initial_weight("a", {7}, kNormal, 9);
  // FNV-1a of "a", from the function's published test vectors.
  const PhiloxWords words = philox4x32_10({{1, 0, 0xe40c292c, 0}}, {9, stream::kInitialWeights});
  const auto pair = normal_pair(words.v[0], words.v[1]);
  EXPECT_EQ(values[4].item<float>(), static_cast<float>(0.02 * pair[0]));
  EXPECT_EQ(values[5].item<float>(), static_cast<float>(0.02 * pair[1]));
}

TEST(InitialWeights, DoNotDependOnThreads) {
  const at::Tensor with_all = draw_initial_weight("w", {300, 41}, kNormal, 1);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor with_one = draw_initial_weight("w", {300, 41}, kNormal, 1);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(with_all, with_one));
}

TEST(InitialWeights, DifferByNameAndSeed) {
  const at::Tensor base = draw_initial_weight("w", {100}, kNormal, 1);
  EXPECT_FALSE(at::equal(base, draw_initial_weight("v", {100}, kNormal, 1)));
  EXPECT_FALSE(at::equal(base, draw_initial_weight("w", {100}, kNormal, 2)));
}

TEST(InitialWeights, HaveTheDeviationAskedFor) {
  const at::Tensor values = draw_initial_weight("w", {100000}, kNormal, 1).to(at::kDouble);
  EXPECT_NEAR(values.mean().item<double>(), 0, 5 * 0.02 / std::sqrt(1e5));
  EXPECT_NEAR(values.std().item<double>(), 0.02, 5 * 0.02 / std::sqrt(2e5));
}

TEST(InitialWeights, AHeadDoesNotMoveTheBody) {
  const SmallModel language(at::kFloat, 0), classifier(at::kFloat, 5);
  for (const Parameter& parameter : language.parameters.all())
    EXPECT_TRUE(at::equal(parameter.value, classifier.parameters.at(parameter.name).value))
        << parameter.name;
}

TEST(InitialWeights, EveryDatatypeStartsFromTheSameFp32Draw) {
  const SmallModel single(at::kFloat, 0), half(at::kBFloat16, 0);
  for (const Parameter& parameter : single.parameters.all())
    EXPECT_TRUE(
        at::equal(parameter.value.to(at::kBFloat16), half.parameters.at(parameter.name).value));
}

TEST(InitialWeights, ThePerturbationMovesEachWeightByOneUlp) {
  SmallModel base(at::kFloat, 0), moved(at::kFloat, 0);
  perturb_by_ulp(moved.parameters, 1);
  for (const Parameter& parameter : base.parameters.all()) {
    const at::Tensor there = moved.parameters.at(parameter.name).value;
    const at::Tensor expected =
        at::nextafter(parameter.value, at::full_like(parameter.value, INFINITY));
    EXPECT_TRUE(at::equal(there, expected)) << parameter.name;
    EXPECT_TRUE((there > parameter.value).all().item<bool>()) << parameter.name;
  }
}

TEST(InitialWeights, ResidualProjectionsStartSmaller) {
  const SmallModel small(at::kFloat, 0);
  const double residual =
      small.parameters.at("transformer.h.0.mlp.c_proj.weight").value.std().item<double>();
  // 0.02 / sqrt(2 x 2 layers), 1,024 draws: five standard errors.
  EXPECT_NEAR(residual, 0.01, 5 * 0.01 / std::sqrt(2 * 1024.0));
}

}  // namespace
}  // namespace dtbench::testing
