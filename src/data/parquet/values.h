// Single values of Arrow arrays, whichever of the types that hold text, integers or lists they
// have.
#pragma once

#include <arrow/array.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dtbench {

bool holds_text(const arrow::DataType& type);  // string, large_string, string_view, or a dictionary
bool holds_integer(const arrow::DataType& type);  // of 8 to 64 bits, or a dictionary of them
bool holds_flag(const arrow::DataType& type);     // bool, float or double

// Element `i`; none when it is null. The view lives as long as the array.
std::optional<std::string_view> text_at(const arrow::Array& array, std::int64_t i);
// Beyond an int64 the largest one; as text exact.
std::optional<std::int64_t> integer_at(const arrow::Array& array, std::int64_t i);
std::optional<std::string> integer_text_at(const arrow::Array& array, std::int64_t i);
// "0" or "1"; another number, or null, as it is printed.
std::string flag_at(const arrow::Array& array, std::int64_t i);

// The type of a list's items; null when `type` is no list (list, large_list, fixed_size_list).
std::shared_ptr<arrow::DataType> item_type(const arrow::DataType& type);

// The items of list `i`, begin <= k < end of `values`; none of a list that is null.
struct ItemRange {
  const arrow::Array* values;
  std::int64_t begin, end;
};
ItemRange items_at(const arrow::Array& array, std::int64_t i);

}  // namespace dtbench
