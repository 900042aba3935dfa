// Which program wrote a record: version, source revision, compiler and flags, fixed at build time.
#pragma once

#include "base/json.h"

namespace dtbench {

const char* program_version();

// {"version", "source_revision", "compiler", "compile_flags"} for audit.json.
Json program_identity();

}  // namespace dtbench
