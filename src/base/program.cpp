#include "base/program.h"

#include <cerrno>
#include <csignal>
#include <exception>
#include <filesystem>

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
  // A file beyond the limit (ulimit -f) is an error of the write, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return program();
  } catch (const Error& error) {
    log_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    // Whether another try may succeed is for the system's error to tell, as in system_error.
    errno = error.code().value();
    const Error told = system_error("Cannot use", error.path1().string());
    log_error(told.what());
    return static_cast<int>(told.code());
  } catch (const std::exception& error) {
    log_error(error.what());
    return static_cast<int>(ExitCode::kPermanent);
  }
}

}  // namespace dtbench
