#include "engine/train/prefetched_batches.h"

#include <ATen/ATen.h>
#include <ATen/ThreadLocalState.h>

namespace dtbench {
namespace {

void pin(at::Tensor& tensor) {
  if (tensor.defined()) tensor = tensor.pin_memory();
}

}  // namespace

PrefetchedBatches::PrefetchedBatches(BatchSource& source, std::int64_t steps,
                                     const c10::Device& device)
    : source_(source), steps_(steps), pin_(device.is_cuda()) {}

GlobalBatch PrefetchedBatches::take(std::int64_t step) {
  const bool prepared = next_.valid() && next_step_ == step;
  if (next_.valid() && !prepared) next_.wait();  // the source serves one at a time
  GlobalBatch batch = prepared ? next_.get() : assemble(step);
  next_ = {};
  if (step + 1 < steps_) {
    next_step_ = step + 1;
    // With the caller's state of torch, so that what is allocated is counted there (peak_memory.h).
    next_ =
        std::async(std::launch::async, [this, next = next_step_, state = at::ThreadLocalState()] {
          const at::ThreadLocalStateGuard guard(state);
          return assemble(next);
        });
  }
  return batch;
}

GlobalBatch PrefetchedBatches::assemble(std::int64_t step) const {
  GlobalBatch batch = source_.training_batch(step);
  if (pin_) {
    pin(batch.content.input_ids);
    pin(batch.content.attention_mask);
    pin(batch.content.target_index);
    pin(batch.content.targets);
  }
  return batch;
}

}  // namespace dtbench
