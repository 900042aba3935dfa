#include "engine/failure.h"

#include <c10/util/Exception.h>

#include <new>

namespace dtbench {

Failure failure_of(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
    return {Status::kOutOfMemory, ExitCode::kPermanent, "no memory left on this machine"};
  if (const auto* told = dynamic_cast<const Error*>(&error))
    return {Status::kFailed, told->code(), told->what()};
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  if (of_torch == nullptr) return {Status::kFailed, ExitCode::kPermanent, error.what()};
  const std::string what = of_torch->what_without_backtrace();
  // For small tensors: torch's own CPU allocator has no exception type for this.
  const bool memory = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                      what.find("DefaultCPUAllocator") != std::string::npos;
  return {memory ? Status::kOutOfMemory : Status::kFailed, ExitCode::kPermanent, what};
}

}  // namespace dtbench
