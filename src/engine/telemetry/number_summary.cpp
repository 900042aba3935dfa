#include "engine/telemetry/number_summary.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <bit>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "base/text.h"
#include "engine/numerics/number_census.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

constexpr std::int64_t kGrain = 1 << 16;

template <typename Number>
struct Format;
template <>
struct Format<double> {
  using Bits = std::uint64_t;
  static constexpr int kMantissa = 52, kBias = 1023;
};
template <>
struct Format<float> {
  using Bits = std::uint32_t;
  static constexpr int kMantissa = 23, kBias = 127;
};
template <>
struct Format<at::Half> {
  using Bits = std::uint16_t;
  static constexpr int kMantissa = 10, kBias = 15;
};
template <>
struct Format<at::BFloat16> {
  using Bits = std::uint16_t;
  static constexpr int kMantissa = 7, kBias = 127;
};

template <typename Number>
class Summing {
 public:
  using Bits = typename Format<Number>::Bits;
  static constexpr auto kFormat = kernels::number_format<Bits>(Format<Number>::kMantissa);

  Summing(const at::Tensor& x, bool with_exponents)
      : bits_(static_cast<const Bits*>(x.const_data_ptr())), with_exponents_(with_exponents) {
    sum_.type = x.scalar_type();
    at::parallel_for(0, x.numel(), kGrain,
                     [&](std::int64_t begin, std::int64_t end) { add(begin, end); });
  }

  const NumberSummary& sum() const { return sum_; }

 private:
  static double number(Bits bits) { return static_cast<double>(std::bit_cast<Number>(bits)); }

  void add(std::int64_t begin, std::int64_t end) {
    const kernels::NumberCensus<Bits> found = kernels::census(bits_ + begin, end - begin, kFormat);
    NumberSummary part;
    part.type = sum_.type;
    part.elements = end - begin;
    part.zeros = found.zeros;
    part.subnormals = found.subnormals;
    part.saturated = found.saturated;
    part.largest = number(found.largest);
    if (found.zeros < part.elements && found.smallest < kFormat.infinity)
      part.smallest = number(found.smallest);
    if (with_exponents_) part.exponents = exponents(begin, end);
    const std::lock_guard hold(mutex_);
    sum_ += part;
  }

  std::map<int, std::int64_t> exponents(std::int64_t begin, std::int64_t end) const {
    constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
    std::vector<std::int64_t> counts((kMagnitude >> Format<Number>::kMantissa) + 1);
    std::map<int, std::int64_t> by_exponent;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto x = static_cast<Bits>(bits_[i] & kMagnitude);
      ++counts[x >> Format<Number>::kMantissa];
      // A subnormal's exponent is that of its first digit.
      if (x != 0 && x < kFormat.smallest_normal)
        ++by_exponent[static_cast<int>(std::bit_width(x)) - Format<Number>::kMantissa -
                      Format<Number>::kBias];
    }
    for (std::size_t biased = 1; biased + 1 < counts.size(); ++biased)
      if (counts[biased] > 0)
        by_exponent[static_cast<int>(biased) - Format<Number>::kBias] += counts[biased];
    return by_exponent;
  }

  const Bits* bits_;
  bool with_exponents_;
  std::mutex mutex_;
  NumberSummary sum_;
};

}  // namespace

NumberSummary& NumberSummary::operator+=(const NumberSummary& other) {
  type = other.type;
  elements += other.elements;
  zeros += other.zeros;
  subnormals += other.subnormals;
  saturated += other.saturated;
  largest = std::max(largest, other.largest);
  if (other.smallest) smallest = std::min(smallest.value_or(*other.smallest), *other.smallest);
  for (const auto& [exponent, count] : other.exponents)
    exponents[exponent] += count;
  return *this;
}

NumberSummary summary_of(const at::Tensor& x, bool with_exponents) {
  const at::Tensor dense =
      x.is_cpu() && x.is_non_overlapping_and_dense() ? x : x.cpu().contiguous();
  switch (x.scalar_type()) {
    case at::kDouble:
      return Summing<double>(dense, with_exponents).sum();
    case at::kFloat:
      return Summing<float>(dense, with_exponents).sum();
    case at::kHalf:
      return Summing<at::Half>(dense, with_exponents).sum();
    case at::kBFloat16:
      return Summing<at::BFloat16>(dense, with_exponents).sum();
    default:
      throw std::logic_error(concat("not a floating datatype: ", c10::toString(x.scalar_type())));
  }
}

Json to_json(const NumberSummary& summary) {
  const auto share = [&](std::int64_t count) {
    return summary.elements > 0
               ? Json(static_cast<double>(count) / static_cast<double>(summary.elements))
               : Json();
  };
  Json json = {{"datatype", to_string(dtype_of(summary.type))},
               {"elements", summary.elements},
               {"largest", summary.largest},
               {"smallest", number_or_null(summary.smallest)},
               {"zeros", share(summary.zeros)},
               {"subnormals", share(summary.subnormals)},
               {"saturated", share(summary.saturated)}};
  if (summary.exponents.empty()) return json;
  const int first = summary.exponents.begin()->first, last = summary.exponents.rbegin()->first;
  Json counts = Json::array();
  for (int exponent = first; exponent <= last; ++exponent) {
    const auto found = summary.exponents.find(exponent);
    counts.push_back(found == summary.exponents.end() ? 0 : found->second);
  }
  json["exponents"] = {{"first", first}, {"counts", counts}};
  return json;
}

}  // namespace dtbench
