#include "data/parquet/values.h"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace dtbench {
namespace {

const arrow::DataType& without_dictionary(const arrow::DataType& type) {
  if (type.id() != arrow::Type::DICTIONARY) return type;
  return *static_cast<const arrow::DictionaryType&>(type).value_type();
}

// The array and place where element `i` really stands.
struct Place {
  const arrow::Array& array;
  std::int64_t i;
  bool null;
};

Place place_of(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return {array, i, true};
  if (array.type_id() != arrow::Type::DICTIONARY) return {array, i, false};
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(array);
  const arrow::Array& values = *encoded.dictionary();
  const std::int64_t at = encoded.GetValueIndex(i);
  return {values, at, values.IsNull(at)};
}

template <typename Array>
auto value_at(const Place& place) {
  return static_cast<const Array&>(place.array).GetView(place.i);
}

template <typename List>
ItemRange range_of(const arrow::Array& array, std::int64_t i) {
  const auto& lists = static_cast<const List&>(array);
  const std::int64_t begin = lists.value_offset(i);
  return {lists.values().get(), begin, begin + lists.value_length(i)};
}

}  // namespace

bool holds_text(const arrow::DataType& type) {
  const arrow::Type::type id = without_dictionary(type).id();
  return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING ||
         id == arrow::Type::STRING_VIEW;
}

bool holds_integer(const arrow::DataType& type) {
  return arrow::is_integer(without_dictionary(type).id());
}

bool holds_flag(const arrow::DataType& type) {
  return type.id() == arrow::Type::BOOL || type.id() == arrow::Type::FLOAT ||
         type.id() == arrow::Type::DOUBLE;
}

std::optional<std::string_view> text_at(const arrow::Array& array, std::int64_t i) {
  const Place place = place_of(array, i);
  if (place.null) return std::nullopt;
  switch (place.array.type_id()) {
    case arrow::Type::STRING:
      return value_at<arrow::StringArray>(place);
    case arrow::Type::LARGE_STRING:
      return value_at<arrow::LargeStringArray>(place);
    default:
      return value_at<arrow::StringViewArray>(place);
  }
}

std::optional<std::int64_t> integer_at(const arrow::Array& array, std::int64_t i) {
  const Place place = place_of(array, i);
  if (place.null) return std::nullopt;
  switch (place.array.type_id()) {
    case arrow::Type::INT8:
      return value_at<arrow::Int8Array>(place);
    case arrow::Type::INT16:
      return value_at<arrow::Int16Array>(place);
    case arrow::Type::INT32:
      return value_at<arrow::Int32Array>(place);
    case arrow::Type::UINT8:
      return value_at<arrow::UInt8Array>(place);
    case arrow::Type::UINT16:
      return value_at<arrow::UInt16Array>(place);
    case arrow::Type::UINT32:
      return value_at<arrow::UInt32Array>(place);
    case arrow::Type::UINT64: {
      constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
      return static_cast<std::int64_t>(std::min(value_at<arrow::UInt64Array>(place), kMost));
    }
    default:
      return value_at<arrow::Int64Array>(place);
  }
}

std::optional<std::string> integer_text_at(const arrow::Array& array, std::int64_t i) {
  const Place place = place_of(array, i);
  if (!place.null && place.array.type_id() == arrow::Type::UINT64)
    return std::to_string(value_at<arrow::UInt64Array>(place));
  const auto value = integer_at(array, i);
  return value ? std::optional(std::to_string(*value)) : std::nullopt;
}

std::string flag_at(const arrow::Array& array, std::int64_t i) {
  const Place place = place_of(array, i);
  if (place.null) return "null";
  double value = 0;
  if (array.type_id() == arrow::Type::BOOL) value = value_at<arrow::BooleanArray>(place) ? 1 : 0;
  if (array.type_id() == arrow::Type::FLOAT) value = value_at<arrow::FloatArray>(place);
  if (array.type_id() == arrow::Type::DOUBLE) value = value_at<arrow::DoubleArray>(place);
  return concat(value);
}

std::shared_ptr<arrow::DataType> item_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return static_cast<const arrow::BaseListType&>(type).value_type();
    default:
      return nullptr;
  }
}

ItemRange items_at(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return {&array, 0, 0};
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return range_of<arrow::ListArray>(array, i);
    case arrow::Type::LARGE_LIST:
      return range_of<arrow::LargeListArray>(array, i);
    default:
      return range_of<arrow::FixedSizeListArray>(array, i);
  }
}

}  // namespace dtbench
