#include "engine/numerics/scalar_type.h"

#include <cmath>
#include <stdexcept>

#include "base/text.h"

namespace dtbench {

at::ScalarType scalar_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat64:
      return at::kDouble;
    case Dtype::kFloat32:
      return at::kFloat;
    case Dtype::kBFloat16:
      return at::kBFloat16;
    case Dtype::kFloat16:
      return at::kHalf;
  }
  throw std::logic_error("unknown Dtype");
}

Dtype dtype_of(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return Dtype::kFloat64;
    case at::kFloat:
      return Dtype::kFloat32;
    case at::kBFloat16:
      return Dtype::kBFloat16;
    case at::kHalf:
      return Dtype::kFloat16;
    default:
      throw std::logic_error(concat("no training datatype: ", c10::toString(type)));
  }
}

at::ScalarType accumulation_type(at::ScalarType type) {
  return type == at::kDouble ? at::kDouble : at::kFloat;
}

double epsilon(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat64:
      return 0x1p-52;
    case Dtype::kFloat32:
      return 0x1p-23;
    case Dtype::kBFloat16:
      return 0x1p-7;
    case Dtype::kFloat16:
      return 0x1p-10;
  }
  throw std::logic_error("unknown Dtype");
}

bool is_floating(const at::Tensor& x) {
  return x.defined() && at::isFloatingType(x.scalar_type());
}

double reduction_tolerance(Dtype stored, Dtype accumulated, double length) {
  constexpr double kLambda = 6;
  // Unit roundoff is half of epsilon.
  return kLambda * std::sqrt(length) * epsilon(accumulated) / 2 + epsilon(stored) / 2;
}

}  // namespace dtbench
