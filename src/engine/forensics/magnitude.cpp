#include "engine/forensics/magnitude.h"

#include <ATen/ATen.h>

#include <limits>
#include <stdexcept>

#include "base/text.h"

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

}  // namespace

double largest_magnitude(const at::Tensor& x) {
  if (x.numel() == 0) return 0;
  const at::Tensor wide = x.scalar_type() == at::kHalf ? x.to(at::kFloat) : x;
  return at::linalg_vector_norm(wide, std::numeric_limits<double>::infinity()).item<double>();
}

double largest_of(at::ScalarType type) {
  return of_type(type, []<typename T>() -> double { return std::numeric_limits<T>::max(); });
}

double smallest_of(at::ScalarType type) {
  return of_type(type, []<typename T>() -> double { return std::numeric_limits<T>::denorm_min(); });
}

double spacing_at_one(at::ScalarType type) {
  return of_type(type, []<typename T>() -> double { return std::numeric_limits<T>::epsilon(); });
}

std::string short_name(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return "fp64";
    case at::kFloat:
      return "fp32";
    case at::kBFloat16:
      return "bf16";
    case at::kHalf:
      return "fp16";
    case at::kByte:
      return "8-bit";
    default:
      return c10::toString(type);
  }
}

std::int64_t first_nonfinite_element(const at::Tensor& x) {
  const at::Tensor flags = at::isfinite(x).logical_not().flatten();
  if (!flags.any().item<bool>()) return -1;
  return flags.to(at::kByte).argmax().item<std::int64_t>();
}

}  // namespace dtbench
