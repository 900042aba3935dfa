// Conversions between fp32 and 16 bits, exhaustively, against ATen's.
#include "engine/optim/block_kernels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace dtbench {
namespace {

at::Tensor all_16_bit_numbers(at::ScalarType type) {
  return at::arange(1 << 16, at::kInt).to(at::kShort).view(type);
}

const std::uint16_t* bits(const at::Tensor& tensor) {
  return static_cast<const std::uint16_t*>(tensor.const_data_ptr());
}

// Same NaN, whatever its payload, and the same bits elsewhere.
void expect_same(const at::Tensor& found, const at::Tensor& expected) {
  EXPECT_TRUE(at::equal(found.isnan(), expected.isnan()));
  const auto comparable = [](const at::Tensor& x) {
    const at::ScalarType same_size = x.scalar_type() == at::kFloat ? at::kInt : at::kShort;
    return x.view(same_size).masked_fill(x.isnan(), 0);
  };
  EXPECT_TRUE(at::equal(comparable(found), comparable(expected)));
}

class Conversions : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(Conversions, WideningIsExact) {
  const at::Tensor all = all_16_bit_numbers(GetParam());
  at::Tensor found = at::empty({all.numel()}, at::kFloat);
  const auto widen = GetParam() == at::kHalf ? kernels::fp16_to_fp32 : kernels::bf16_to_fp32;
  widen(bits(all), found.mutable_data_ptr<float>(), all.numel());
  expect_same(found, all.to(at::kFloat));
}

// Every 16-bit number, every midpoint of neighbours, and the fp32 numbers on both sides of each.
TEST_P(Conversions, NarrowingIsToNearestEven) {
  const at::Tensor all = all_16_bit_numbers(GetParam()).to(at::kFloat);
  const at::Tensor midpoints = (all.to(at::kDouble) + all.roll(-1).to(at::kDouble)) / 2;
  const at::Tensor at_points = at::cat({all, midpoints.to(at::kFloat)});
  const at::Tensor infinity = at::full({}, std::numeric_limits<float>::infinity());
  const at::Tensor values =
      at::cat({at_points, at::nextafter(at_points, infinity), at::nextafter(at_points, -infinity)});
  at::Tensor found = at::empty({values.numel()}, GetParam());
  const auto narrow = GetParam() == at::kHalf ? kernels::fp32_to_fp16 : kernels::fp32_to_bf16;
  narrow(values.const_data_ptr<float>(), static_cast<std::uint16_t*>(found.mutable_data_ptr()),
         values.numel());
  expect_same(found, values.to(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(SixteenBits, Conversions, ::testing::Values(at::kBFloat16, at::kHalf));

}  // namespace
}  // namespace dtbench
