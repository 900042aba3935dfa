#include "engine/forensics/magnitude.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/text.h"
#include "engine/numerics/largest_magnitude.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

template <typename Query>
auto of_type(at::ScalarType type, const Query& query) {
  switch (type) {
    case at::kDouble:
      return query.template operator()<double>();
    case at::kFloat:
      return query.template operator()<float>();
    case at::kBFloat16:
      return query.template operator()<at::BFloat16>();
    case at::kHalf:
      return query.template operator()<at::Half>();
    default:
      throw std::logic_error(concat("not a floating datatype: ", c10::toString(type)));
  }
}

// The number with these bits, as `type` has it.
template <typename Bits>
double number_of(Bits bits, at::ScalarType type) {
  return at::from_blob(&bits, {}, type).template item<double>();
}

template <typename Bits>
double largest_on_cpu(const at::Tensor& x) {
  const auto* bits = static_cast<const Bits*>(x.const_data_ptr());
  constexpr std::int64_t kGrain = 1 << 16;
  const Bits largest = at::parallel_reduce(
      std::int64_t{0}, x.numel(), kGrain, Bits{0},
      [&](std::int64_t begin, std::int64_t end, Bits before) {
        return std::max(before, kernels::largest_magnitude(bits + begin, end - begin));
      },
      [](Bits a, Bits b) { return std::max(a, b); });
  return number_of(largest, x.scalar_type());
}

}  // namespace

double largest_magnitude(const at::Tensor& x) {
  if (x.numel() == 0) return 0;
  if (!x.is_cpu())
    return at::linalg_vector_norm(x, std::numeric_limits<double>::infinity()).item<double>();
  const at::Tensor dense = x.contiguous();
  switch (dense.element_size()) {
    case 8:
      return largest_on_cpu<std::uint64_t>(dense);
    case 4:
      return largest_on_cpu<std::uint32_t>(dense);
    default:
      return largest_on_cpu<std::uint16_t>(dense);
  }
}

double norm_of(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, {}, /*keepdim=*/false, at::kDouble).item<double>();
}

double largest_of(at::ScalarType type) {
  return of_type(type, []<typename T>() -> double { return std::numeric_limits<T>::max(); });
}

double smallest_of(at::ScalarType type) {
  return of_type(type, []<typename T>() -> double { return std::numeric_limits<T>::denorm_min(); });
}

std::string short_name(at::ScalarType type) {
  return type == at::kByte ? "8-bit" : to_string(dtype_of(type));
}

std::int64_t first_nonfinite_element(const at::Tensor& x) {
  const at::Tensor flags = at::isfinite(x).logical_not().flatten();
  if (!flags.any().item<bool>()) return -1;
  return flags.to(at::kByte).argmax().item<std::int64_t>();
}

}  // namespace dtbench
