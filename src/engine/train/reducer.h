// The place between gradients that are complete and the update, where an all-reduce over several
// devices stands.
#pragma once

#include <cstddef>

#include <ATen/core/Tensor.h>

namespace dtbench {

class Reducer {
 public:
  virtual ~Reducer() = default;
  // In the backward pass of the step's last micro-batch, as soon as nothing can be added to the
  // stored gradient of parameter `index` any more: the parameters nearest to the loss come first.
  virtual void reduce(std::size_t index, const at::Tensor& gradient) = 0;
  // After that pass: all gradients are to be whole when it returns.
  virtual void finish() = 0;
};

}  // namespace dtbench
