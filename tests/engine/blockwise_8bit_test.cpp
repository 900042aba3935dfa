// Block-wise 8-bit AdamW: the number tables bit for bit, the literal rule, and the hazards.
#include "engine/optim/blockwise_8bit.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/json.h"
#include "engine/one_parameter.h"
#include "engine/optim/blockwise_kernels.h"
#include "engine/optim/dynamic_map.h"
#include "source_folder.h"

namespace dtbench::testing {
namespace {

Json golden() {
  return read_json_file(source_folder() / "tests/engine/golden/dynamic_map.json");
}

TEST(DynamicMap, IsBitsandbytesTableBitForBit) {
  const Json expected = golden();
  for (const auto& [name, map] :
       {std::pair("signed", &signed_dynamic_map()), std::pair("unsigned", &unsigned_dynamic_map())})
    for (std::size_t code = 0; code < 256; ++code) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &(*map)[code], sizeof bits);
      EXPECT_EQ(bits, expected.at(name).at(code).get<std::uint32_t>()) << name << ' ' << code;
    }
}

TEST(DynamicMap, ZerosAndEnds) {
  EXPECT_EQ(signed_dynamic_map()[127], 0.0f);
  EXPECT_NEAR(signed_dynamic_map()[0], -0.99297, 1e-5);
  EXPECT_EQ(signed_dynamic_map()[255], 1.0f);
  EXPECT_EQ(unsigned_dynamic_map()[0], 0.0f);
  EXPECT_NEAR(unsigned_dynamic_map()[1], 3.25e-7, 1e-12);
  EXPECT_EQ(unsigned_dynamic_map()[255], 1.0f);
}

// bitsandbytes' search, literally: seven halvings from code 127, then the nearer of the last pivot
// and its neighbour on the other side of x, the pivot in a tie.
int searched_code(const DynamicMap& map, float x) {
  int pivot = 127, upper = 255, lower = 0;
  float above = 1.0f, below = map[0] < 0 ? -1.0f : 0.0f;
  for (int step = 64; step > 0; step /= 2) {
    if (x > map[static_cast<std::size_t>(pivot)]) {
      lower = pivot;
      below = map[static_cast<std::size_t>(pivot)];
      pivot += step;
    } else {
      upper = pivot;
      above = map[static_cast<std::size_t>(pivot)];
      pivot -= step;
    }
  }
  const float value = map[static_cast<std::size_t>(pivot)];
  if (x > value) return x > (above + value) * 0.5f ? upper : pivot;
  return x < (below + value) * 0.5f ? lower : pivot;
}

// Every code, every midpoint, their neighbours in fp32 and what lies between.
std::vector<float> telling_values(const DynamicMap& map) {
  std::vector<float> values = {-1.0f, -2.0f, 2.0f, 1e-30f, -1e-30f};
  for (std::size_t code = 0; code + 1 < map.size(); ++code) {
    const float midpoint = (map[code] + map[code + 1]) * 0.5f;
    for (const float x : {map[code], midpoint, 0.75f * map[code] + 0.25f * map[code + 1]})
      for (const float toward : {-2.0f, x, 2.0f})
        values.push_back(std::nextafter(x, toward));
  }
  return values;
}

kernels::CodeSearch search_in(const DynamicMap& map) {
  return {code_thresholds(map), code_buckets(code_thresholds(map))};
}

TEST(Quantize, IsBitsandbytesSearchTiesIncluded) {
  for (const DynamicMap* map : {&signed_dynamic_map(), &unsigned_dynamic_map()}) {
    const kernels::CodeSearch search = search_in(*map);
    const std::vector<float> values = telling_values(*map);
    std::vector<std::uint8_t> codes(values.size());
    kernels::quantize(values.data(), 1.0f, search, codes.data(),
                      static_cast<std::int64_t>(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(codes[i], searched_code(*map, values[i])) << values[i];
      EXPECT_EQ(codes[i], nearest_code(search.thresholds.data(), values[i]))
          << values[i];  // CUDA's
      // And it is the nearest: a midpoint is rounded by 2^-25, which both distances feel.
      const double distance = std::abs(static_cast<double>(values[i]) - (*map)[codes[i]]);
      for (const float other : *map)
        EXPECT_LE(distance, std::abs(static_cast<double>(values[i]) - other) + 0x1p-24);
    }
  }
}

TEST(Quantize, NaNIsCode0InBothSearches) {
  const kernels::CodeSearch search = search_in(signed_dynamic_map());
  for (const float nan : {std::numeric_limits<float>::quiet_NaN(), -std::nanf("")}) {
    std::uint8_t code = 9;
    kernels::quantize(&nan, 1.0f, search, &code, 1);
    EXPECT_EQ(code, 0);
    EXPECT_EQ(nearest_code(search.thresholds.data(), nan), 0);
  }
}

TEST(Quantize, TiesGoToTheEvenCode) {
  const DynamicMap& map = unsigned_dynamic_map();
  const kernels::CodeSearch search = search_in(map);
  for (std::size_t code : {40, 41}) {
    const float tie = (map[code] + map[code + 1]) * 0.5f;
    std::uint8_t found = 0;
    kernels::quantize(&tie, 1.0f, search, &found, 1);
    EXPECT_EQ(found % 2, 0) << code;
  }
}

// A small negative moment is nearest to zero, which has no sign: it takes the code below.
TEST(Quantize, FirstMomentsKeepTheirSign) {
  const float values[4] = {-1e-9f, 1e-9f, 0.0f, -0.5f};
  const DynamicMap& map = signed_dynamic_map();
  std::uint8_t codes[4];
  kernels::quantize(values, 1.0f, search_in(map), codes, 4);
  EXPECT_EQ(map[codes[0]], 0.0f);  // negative control: without the fix the sign is gone
  kernels::keep_signs(values, map.data(), codes, 4);
  EXPECT_EQ(codes[0], 126);
  EXPECT_LT(map[codes[0]], 0.0f);
  EXPECT_EQ(codes[1], 127);
  EXPECT_EQ(codes[2], 127);
  EXPECT_EQ(codes[3], searched_code(map, -0.5f));
}

// Deterministic N(0, 1) numbers.
at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed));
}

AdamWOptions eight_bit() {
  return adamw_with(StateFormat::kBlockwise8Bit);
}

at::Tensor dequantized(const at::Tensor& codes, const at::Tensor& absmax, const DynamicMap& map) {
  const at::Tensor table = at::from_blob(const_cast<float*>(map.data()), {256}, at::kFloat);
  const at::Tensor scale = absmax.repeat_interleave(256).narrow(0, 0, codes.numel());
  return table.index_select(0, codes.flatten().to(at::kLong)).mul(scale).view(codes.sizes());
}

at::Tensor exp_avg_of(const OneParameter& one) {
  return dequantized(one.state("exp_avg"), one.state("exp_avg_absmax"), signed_dynamic_map());
}

at::Tensor exp_avg_sq_of(const OneParameter& one) {
  return dequantized(one.state("exp_avg_sq"), one.state("exp_avg_sq_absmax"),
                     unsigned_dynamic_map());
}

// The step of bitsandbytes' kernel, element by element: update the dequantized moments, step with
// them unquantized, decay, and quantize by the block's largest. A short last block, and a gradient
// that is not finite.
TEST(BlockwiseUpdate, IsTheRuleElementByElement) {
  constexpr std::int64_t kCount = 20 * 256 + 44;
  AdamWOptions options = eight_bit();
  options.weight_decay = 0.1;
  OneParameter one(normal({kCount}, 1), options);
  const float rate = 1e-3f, beta1 = 0.9f, beta2 = 0.999f;
  for (int t = 1; t <= 5; ++t) {
    at::Tensor g = normal({kCount}, static_cast<std::uint64_t>(100 + t));
    if (t == 3) g[700] = std::numeric_limits<float>::quiet_NaN();
    if (t == 3) g[5150] = std::numeric_limits<float>::infinity();
    const at::Tensor w = one.weight().clone(), finite = g.isfinite();
    const at::Tensor m = at::where(finite, exp_avg_of(one) * beta1 + g * (1 - beta1), 0.0f);
    const at::Tensor v = at::where(finite, exp_avg_sq_of(one) * beta2 + g * (1 - beta2) * g, 0.0f);
    const double correction1 = 1 - std::pow(0.9, t);
    const double correction2 = std::sqrt(1 - std::pow(0.999, t));
    const auto step_size = static_cast<float>(rate * correction2 / correction1);
    const auto epsilon = static_cast<float>(1e-8 * correction2);
    const at::Tensor expected =
        at::where(finite, (w - step_size * (m / (v.sqrt() + epsilon))) * (1 - rate * 0.1f), w);
    const UpdateCounts counts = one.step(g, 1e-3);

    const float spacing = 0x1p-22f;  // of weights below 8, for an order of operations of ATen's own
    EXPECT_LE((one.weight() - expected).abs().max().item<float>(), spacing) << "step " << t;
    EXPECT_EQ(counts.eight_bit_elements, kCount);
    const at::Tensor padded_m =
        at::constant_pad_nd(m.abs(), {0, 21 * 256 - kCount}).view({21, 256});
    const at::Tensor padded_v = at::constant_pad_nd(v, {0, 21 * 256 - kCount}).view({21, 256});
    EXPECT_TRUE(at::allclose(one.state("exp_avg_absmax"), padded_m.amax(1), 0x1p-22, 0));
    EXPECT_TRUE(at::allclose(one.state("exp_avg_sq_absmax"), padded_v.amax(1), 0x1p-22, 0));
    // No two neighbours of a table are further apart than 0.0141 (signed) and 0.0071.
    const at::Tensor scale_m =
        padded_m.amax(1, true).expand({21, 256}).flatten().narrow(0, 0, kCount);
    const at::Tensor scale_v =
        padded_v.amax(1, true).expand({21, 256}).flatten().narrow(0, 0, kCount);
    EXPECT_LE(((exp_avg_of(one) - m).abs() / scale_m).max().item<float>(), 0.0071f);
    EXPECT_LE(((exp_avg_sq_of(one) - v).abs() / scale_v).max().item<float>(), 0.0036f);
    if (t == 3)
      for (const std::int64_t i : {700, 5150}) {
        EXPECT_EQ(one.weight()[i].item<float>(), w[i].item<float>());
        EXPECT_EQ(exp_avg_of(one)[i].item<float>(), 0.0f);
        EXPECT_EQ(exp_avg_sq_of(one)[i].item<float>(), 0.0f);
      }
  }
}

TEST(BlockwiseUpdate, ABlockOfZerosStaysZero) {
  const at::Tensor initial = normal({16 * 256}, 2);
  OneParameter one(initial, eight_bit());
  at::Tensor gradient = normal({16 * 256}, 3);
  gradient.narrow(0, 256, 256).zero_();
  for (int t = 0; t < 3; ++t)
    one.step(gradient, 1e-3);
  EXPECT_EQ(one.state("exp_avg_sq_absmax")[1].item<float>(), 0.0f);
  EXPECT_TRUE(at::equal(one.weight().narrow(0, 256, 256), initial.narrow(0, 256, 256)));
  EXPECT_TRUE((exp_avg_of(one).narrow(0, 256, 256) == 0).all().item<bool>());
  EXPECT_FALSE((exp_avg_of(one) == 0).all().item<bool>());
}

TEST(BlockwiseUpdate, TheGradientFactorComesFirst) {
  const at::Tensor gradient = normal({4096}, 4) * 0x1p16, initial = normal({4096}, 5);
  OneParameter scaled(initial, eight_bit()), plain(initial, eight_bit());
  for (int t = 0; t < 3; ++t) {
    scaled.step(gradient, 1e-3, 0x1p-16);
    plain.step(gradient * 0x1p-16, 1e-3);
  }
  EXPECT_TRUE(at::equal(scaled.weight(), plain.weight()));
}

// tests/test_optim.py of bitsandbytes, test_optimizer8bit: its shapes, gradients and tolerances,
// and like it weights and moments made equal after each step; the widest for fewer steps. Weights
// and gradients in fp32 or bf16, the judge in fp32 throughout.
TEST(BlockwiseUpdate, FollowsFp32AdamWWithinBitsandbytesTolerances) {
  struct Case {
    at::ScalarType type;
    std::int64_t columns;
    int steps;
    double mean_error, mean_relative_error;
  };
  const auto far = [](const at::Tensor& exact, const at::Tensor& found) {
    return at::isclose(exact, found, 1e-3, 3e-3).logical_not().sum().item<std::int64_t>();
  };
  for (const Case& c :
       {Case{at::kFloat, 32, 50, 0.00006, 0.0006}, Case{at::kFloat, 1024, 50, 0.00006, 0.0006},
        Case{at::kFloat, 4097, 8, 0.00006, 0.0006}, Case{at::kBFloat16, 32, 50, 0.00017, 0.0016},
        Case{at::kBFloat16, 1024, 50, 0.00017, 0.0016}}) {
    const at::Tensor initial = (normal({1024, c.columns}, 6) * 0.1).to(c.type);
    OneParameter ours(initial, eight_bit());
    OneParameter full(initial.to(at::kFloat), adamw_with(StateFormat::kFloat32));
    for (int t = 0; t < c.steps; ++t) {
      const at::Tensor gradient =
          (normal({1024, c.columns}, static_cast<std::uint64_t>(1000 + t)) * 0.01).to(c.type);
      ours.step(gradient, 1e-3);
      full.step(gradient.to(at::kFloat), 1e-3);
      const at::Tensor exp_avg = exp_avg_of(ours), exp_avg_sq = exp_avg_sq_of(ours);
      ASSERT_LT(far(full.state("exp_avg"), exp_avg), 20);
      ASSERT_LT(far(full.state("exp_avg_sq"), exp_avg_sq), 20);
      const at::Tensor error = (full.weight() - ours.weight()).abs();
      const at::Tensor relative = error / (full.weight().abs() + 1e-9);
      ASSERT_LT(error.mean().item<double>(), c.mean_error) << c.columns << " step " << t;
      ASSERT_LT(relative.mean().item<double>(), c.mean_relative_error)
          << c.columns << " step " << t;
      ours.weight().copy_(full.weight());
      full.weight().copy_(ours.weight());
      full.state("exp_avg").copy_(exp_avg);
      full.state("exp_avg_sq").copy_(exp_avg_sq);
    }
  }
}

struct Course {
  std::int64_t zero_point_hits;
  double largest_step;  // in rates
};

// Steps with fresh gradients of the same row scales; four rows share a block.
Course course(const at::Tensor& row_scales, const AdamWOptions& options) {
  OneParameter one(at::zeros({256, 64}), options);
  Course result{0, 0};
  for (int t = 0; t < 20; ++t) {
    const at::Tensor before = one.weight().clone();
    const at::Tensor gradient = normal({256, 64}, static_cast<std::uint64_t>(500 + t)) * row_scales;
    result.zero_point_hits += one.step(gradient, 1e-3).zero_point_hits;
    const double step = (one.weight() - before).abs().max().item<double>() / 1e-3;
    result.largest_step = std::max(result.largest_step, step);
  }
  return result;
}

// An element whose second moment is stored as 0 divides by little but its newest gradient and
// epsilon. Rows of one scale cannot show it; rows of an embedding's or a layer norm's many scales
// do.
TEST(BlockwiseUpdate, LogNormalRowsBlowUpAtTheZeroPointAndGaussianRowsDoNot) {
  const at::Tensor log_normal = (normal({256, 1}, 8) * 4).exp() * 1e-2;
  const at::Tensor gaussian = at::full({256, 1}, 1e-2);
  const AdamWOptions full = adamw_with(StateFormat::kFloat32);
  const Course calm = course(gaussian, eight_bit()), wild = course(log_normal, eight_bit());
  const Course judge = course(log_normal, full);
  EXPECT_LT(judge.largest_step, 5.0);
  EXPECT_LT(calm.largest_step, 5.0);
  EXPECT_GT(wild.largest_step, 20.0);
  EXPECT_GT(wild.zero_point_hits, 100 * std::max<std::int64_t>(calm.zero_point_hits, 1));
  EXPECT_EQ(judge.zero_point_hits, 0);
}

TEST(BlockwiseStates, OnlyOfLargeTensorsThatAreNoEmbeddings) {
  ParameterSet parameters(at::kFloat, 0);
  parameters.create("embedding", {64, 64}, kZeros, ParameterKind::kEmbedding);
  parameters.create("large", {64, 64}, kZeros, ParameterKind::kMatrix);
  parameters.create("small", {64, 63}, kZeros, ParameterKind::kMatrix);
  AdamWOptions options = eight_bit();
  options.embedding_states = StateFormat::kFloat32;
  AdamW optimizer(parameters, options);
  EXPECT_EQ(optimizer.state_bytes(), 2 * 4 * 4096 + 2 * (4096 + 4 * 16) + 2 * 4 * 64 * 63);
  DeviceScalars scalars(at::kCPU);
  const UpdateCounts counts = update_once(optimizer, scalars, {0, 1e-3});
  EXPECT_EQ(counts.eight_bit_elements, 4096);
  EXPECT_EQ(counts.elements, 2 * 4096 + 64 * 63);
}

}  // namespace
}  // namespace dtbench::testing
