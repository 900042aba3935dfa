// What an exception that ends a run means for its record.
#pragma once

#include <exception>
#include <string>

#include "base/error.h"
#include "record/status.h"

namespace dtbench {

struct Failure {
  Status status;  // kOutOfMemory or kFailed
  ExitCode code;
  std::string what;  // without torch's stack
};

Failure failure_of(const std::exception& error);

}  // namespace dtbench
