// The program itself, and which one wrote a record: version, source revision, compiler and flags,
// fixed at build time.
#pragma once

#include <functional>

#include "base/json.h"

namespace dtbench {

const char* program_version();

// {"version", "source_revision", "compiler", "compile_flags"} for audit.json.
Json program_identity();

// What a program's main does: runs it, tells on standard error what it throws, and returns the
// exit code.
int run_program(const std::function<int()>& program);

}  // namespace dtbench
