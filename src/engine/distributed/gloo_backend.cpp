#include "engine/distributed/gloo_backend.h"

#define USE_C10D_GLOO  // torch's own flag, which guards the header
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace dtbench {

c10::intrusive_ptr<c10d::Backend> gloo_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                               int rank, int size,
                                               std::chrono::milliseconds timeout) {
  return c10::make_intrusive<c10d::ProcessGroupGloo>(
      store, rank, size, c10d::ProcessGroupGloo::Options::create_default(timeout));
}

}  // namespace dtbench
