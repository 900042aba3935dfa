#include "config/fields.h"

namespace dtbench {
namespace {

// Bounds of counts are whole, and are written so.
std::string bound_text(double bound) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::floor(bound) == bound && std::abs(bound) <= kExact)
    return concat(static_cast<std::int64_t>(bound));
  return concat(bound);
}

}  // namespace

bool Field::contains(double value) const {
  if (!low && !high) return true;
  if (!std::isfinite(value)) return false;
  const bool reaches = !low || (low_is_open ? value > *low : value >= *low);
  return reaches && (!high || (high_is_open ? value < *high : value <= *high));
}

std::string Field::range() const {
  if (low && high && !low_is_open && !high_is_open)
    return concat("between ", bound_text(*low), " and ", bound_text(*high));
  std::vector<std::string> parts;
  if (low) parts.push_back((low_is_open ? "above " : "at least ") + bound_text(*low));
  if (high) parts.push_back((high_is_open ? "below " : "at most ") + bound_text(*high));
  return join(parts, " and ");
}

}  // namespace dtbench
