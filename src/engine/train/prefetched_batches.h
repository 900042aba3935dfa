// The next step's batch, put together while a step runs, so that training does not wait for data.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <future>

#include "engine/train/batches.h"

namespace dtbench {

class PrefetchedBatches {
 public:
  // `source` must outlive this and be asked for training batches by nobody else. `steps`: of the
  // run; no batch beyond is put together.
  PrefetchedBatches(BatchSource& source, std::int64_t steps, const c10::Device& device);

  // The global batch of `step`, and begins the next one's. What came of it in the background, an
  // Error too, comes out when its step is asked for. Steps may be asked for in any order; only in
  // ascending order is there no wait. For CUDA the batch lies in pinned memory.
  GlobalBatch take(std::int64_t step);

 private:
  GlobalBatch assemble(std::int64_t step) const;

  BatchSource& source_;
  std::int64_t steps_;
  bool pin_;
  std::int64_t next_step_ = -1;
  std::future<GlobalBatch> next_;  // its destructor waits for the work to end
};

}  // namespace dtbench
