#include "analysis/claim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "config/fields.h"

namespace dtbench {
namespace {

constexpr double kSmallestAlpha = 1e-9;

constexpr std::array kSides = {EnumName{Side::kAbove, "above"}, EnumName{Side::kBelow, "below"},
                               EnumName{Side::kAcross, "across"}};

}  // namespace

static std::span<const EnumName<Side>> names_of(Side) {
  return kSides;
}

const char* to_string(Side value) {
  return enum_name(value);
}

Side side_of(const Interval& interval, double threshold) {
  if (interval.low > threshold) return Side::kAbove;
  return interval.high < threshold ? Side::kBelow : Side::kAcross;
}

Interval smallest(const std::vector<Part>& parts, double alpha) {
  constexpr double kEndless = std::numeric_limits<double>::infinity();
  if (parts.empty()) return {-kEndless, kEndless};
  Interval all{kEndless, kEndless};
  const auto count = static_cast<double>(parts.size());
  for (const Part& part : parts) {
    all.low = std::min(all.low, part.interval(alpha).low);
    all.high = std::min(all.high, part.interval(alpha / count).high);
  }
  return all;
}

double p_value(const std::vector<Part>& parts, double threshold) {
  const auto decides = [&](double log_alpha) {
    return side_of(smallest(parts, std::exp(log_alpha)), threshold) != Side::kAcross;
  };
  // Intervals shrink as alpha grows: bisection of log alpha.
  double low = std::log(kSmallestAlpha), high = std::log1p(-kSmallestAlpha);
  if (!decides(high)) return 1;
  if (decides(low)) return kSmallestAlpha;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (decides(middle) ? high : low) = middle;
  }
  return std::exp(high);
}

bool disagree(const std::vector<Part>& parts, double threshold, double alpha) {
  const auto any = [&](Side side) {
    return std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
      return side_of(part.interval(alpha), threshold) == side;
    });
  };
  return any(Side::kAbove) && any(Side::kBelow);
}

}  // namespace dtbench
