#include "engine/ops/elementwise.h"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>

namespace dtbench::ops {
namespace {

// What add's backward pass knows of an input.
struct Operand {
  std::vector<std::int64_t> shape;
  at::ScalarType type;

  explicit Operand(const Value& x) : shape(x.sizes().vec()), type(x.scalar_type()) {}

  at::Tensor gradient(const at::Tensor& upstream) const {
    const at::Tensor reduced =
        upstream.sizes() == at::IntArrayRef(shape) ? upstream : at::sum_to(upstream, shape);
    return reduced.to(type);
  }
};

}  // namespace

Value add(Tape& tape, const Value& a, const Value& b) {
  return tape.record("add", {a, b}, a.tensor() + b.tensor(),
                     [a = Operand(a), b = Operand(b)](Tensors dy) -> Tensors {
                       return {a.gradient(dy[0]), b.gradient(dy[0])};
                     });
}

}  // namespace dtbench::ops
