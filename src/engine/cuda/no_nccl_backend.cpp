// Stands in for nccl_backend.cpp where nccl.h is not found.
#include "base/error.h"
#include "engine/cuda/nccl_backend.h"

namespace dtbench {

c10::intrusive_ptr<c10d::Backend> nccl_backend(const c10::intrusive_ptr<c10d::Store>& /*store*/,
                                               int /*rank*/, int /*size*/,
                                               std::chrono::milliseconds /*timeout*/) {
  throw Error(ExitCode::kPermanent,
              "This build's CUDA plug-in has no NCCL: nccl.h was not found beside torch.",
              "Install torch's own nvidia-nccl wheel and build again, or use one GPU.");
}

}  // namespace dtbench
