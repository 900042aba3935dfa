#include "base/whole_number.h"

#include <gtest/gtest.h>

#include <limits>

namespace dtbench {
namespace {

TEST(WholeNumber, OfSixtyFourBitsOrNone) {
  constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t value :
       {kLargest, std::numeric_limits<std::int64_t>::min(), std::int64_t{0}})
    EXPECT_EQ(whole_number(Json::parse(std::to_string(value))), value);
  for (const char* text : {"9223372036854775808", "18446744073709551615", "1e300", "1.5", "2.0",
                           "true", "\"1\"", "null", "[1]"})
    EXPECT_THROW(whole_number(Json::parse(text)), Json::type_error) << text;
}

TEST(WholeNumber, CountsBeginAtZero) {
  EXPECT_EQ(count_of(Json(0)), 0U);
  EXPECT_EQ(count_of(Json(7)), 7U);
  EXPECT_THROW(count_of(Json(-1)), Json::type_error);
}

}  // namespace
}  // namespace dtbench
