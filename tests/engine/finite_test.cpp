#include "engine/numerics/finite.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace dtbench {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Finite : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(Finite, FindsASingleValueWhereverItIs) {
  constexpr std::int64_t kSize = 200001;  // several threads' shares, and a tail
  for (const std::int64_t place : {std::int64_t{0}, std::int64_t{131071}, kSize - 1}) {
    at::Tensor values = at::full({kSize}, -3.0, GetParam());
    EXPECT_FALSE(find_nonfinite(values));
    values[place] = -kInfinity;
    EXPECT_TRUE(find_nonfinite(values).infinity);
    EXPECT_FALSE(find_nonfinite(values).nan);
    values[place] = std::nan("");
    EXPECT_TRUE(find_nonfinite(values).nan);
    EXPECT_FALSE(find_nonfinite(values).infinity);
  }
}

TEST_P(Finite, TheLargestFiniteValueIsFinite) {
  at::Tensor values = at::ones({100}, GetParam());
  values[50] = GetParam() == at::kHalf       ? 65504.0
               : GetParam() == at::kDouble   ? std::numeric_limits<double>::max()
               : GetParam() == at::kBFloat16 ? 0x1.fep127
                                             : std::numeric_limits<float>::max();
  EXPECT_FALSE(find_nonfinite(values));
  // Negative control: one doubling further it is not.
  EXPECT_TRUE(find_nonfinite(values * 2).infinity);
}

INSTANTIATE_TEST_SUITE_P(Datatypes, Finite,
                         ::testing::Values(at::kDouble, at::kFloat, at::kBFloat16, at::kHalf));

TEST(FiniteKind, NaNIsNamedFirst) {
  EXPECT_EQ(kind_of({true, true}), NonfiniteKind::kNan);
  EXPECT_EQ(kind_of({false, true}), NonfiniteKind::kInf);
}

TEST(FiniteKind, EmptyTensorsAreFinite) {
  EXPECT_FALSE(find_nonfinite(at::empty({0})));
  EXPECT_FALSE(find_first_nonfinite({}));
}

TEST(FiniteKind, TheFirstOfSeveralTensorsIsNamed) {
  std::vector<at::Tensor> tensors = {at::ones({3}), at::ones({2}), at::ones({4})};
  EXPECT_FALSE(find_first_nonfinite(tensors));
  tensors[2][3] = std::nan("");
  tensors[1][0] = kInfinity;
  const auto first = find_first_nonfinite(tensors);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->index, 1u);
  EXPECT_EQ(kind_of(first->found), NonfiniteKind::kInf);
}

}  // namespace
}  // namespace dtbench
