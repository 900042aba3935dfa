#include "base/program.h"

#include <exception>

#include "base/error.h"
#include "base/log.h"

namespace dtbench {

const char* program_version() {
  return DTBENCH_VERSION;
}

Json program_identity() {
  static const char* revision =
#include "revision.inc"
      ;
  return {{"version", DTBENCH_VERSION},
          {"source_revision", revision},
          {"compiler", DTBENCH_COMPILER},
          {"compile_flags", DTBENCH_COMPILE_FLAGS}};
}

int run_program(const std::function<int()>& program) {
  try {
    return program();
  } catch (const Error& error) {
    log_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    log_error(error.what());
    return static_cast<int>(ExitCode::kPermanent);
  }
}

}  // namespace dtbench
