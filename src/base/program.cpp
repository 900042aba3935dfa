#include "base/program.h"

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

}  // namespace dtbench
