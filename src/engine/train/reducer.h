// The place between gradients that are complete and the update, where those of several processes
// become one (engine/distributed/rank_reducer.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/train/nonfinite_origin.h"

namespace dtbench {

// Of a step's micro-batches, in their order, the part that this process computes: the first, second
// ... of `count` equal ones.
struct Share {
  std::int64_t index = 0;
  std::int64_t count = 1;
};

class Reducer {
 public:
  virtual ~Reducer() = default;
  virtual Share share() const = 0;
  // In the backward pass of the step's last micro-batch here, as soon as nothing can be added to
  // the stored gradient of parameter `index` any more: the parameters nearest to the loss come
  // first.
  virtual void reduce(std::size_t index, const at::Tensor& gradient) = 0;
  // After that pass: all gradients are whole when it returns, and `losses`, fp64, one for each
  // micro-batch of the step, has those of the other processes, too.
  virtual void finish(const at::Tensor& losses) = 0;
  // Where the step's first non-finite value arose, of what each process found in its own share.
  virtual std::optional<NonFiniteOrigin::Place> first_found(
      const std::optional<NonFiniteOrigin::Place>& mine) = 0;
};

}  // namespace dtbench
