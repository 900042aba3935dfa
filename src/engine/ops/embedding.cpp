#include "engine/ops/embedding.h"

#include <ATen/ATen.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {

Value embedding(Tape& tape, const Value& weight, const at::Tensor& ids,
                std::int64_t padding_index) {
  return tape.record(
      "embedding", {weight}, at::embedding(weight.tensor(), ids, padding_index),
      [ids, rows = weight.size(0), padding_index](Tensors dy) -> Tensors {
        // torch's own backward pass adds a row's gradients in the table's 16 bits, on the CPU (512
        // additions of 1/512 give 0.5 in bf16) and, for up to 3,072 ids, every 32 of them on CUDA.
        const at::ScalarType stored = dy[0].scalar_type();
        return {at::embedding_dense_backward(dy[0].to(accumulation_type(stored)), ids, rows,
                                             padding_index, /*scale_grad_by_freq=*/false)
                    .to(stored)};
      });
}

}  // namespace dtbench::ops
