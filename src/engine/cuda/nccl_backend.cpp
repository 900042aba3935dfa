#include "engine/cuda/nccl_backend.h"

#define USE_C10D_NCCL  // torch's own flag, which guards the header
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace dtbench {

c10::intrusive_ptr<c10d::Backend> nccl_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               int rank, int size,
                                               std::chrono::milliseconds timeout) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}

}  // namespace dtbench
