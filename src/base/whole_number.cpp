#include "base/whole_number.h"

#include <limits>

#include "base/text.h"

namespace dtbench {
namespace {

Json::type_error expected(const char* what, const Json& found) {
  return Json::type_error::create(
      302, concat("expected ", what, ", found ", shortened(json_text(found), 60)), nullptr);
}

}  // namespace

std::int64_t whole_number(const Json& value) {
  constexpr auto kLargest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest;
  if (!value.is_number_integer() || too_large) throw expected("a whole number", value);
  return value.get<std::int64_t>();
}

std::size_t count_of(const Json& value) {
  const std::int64_t count = whole_number(value);
  if (count < 0) throw expected("a count", value);
  return static_cast<std::size_t>(count);
}

}  // namespace dtbench
