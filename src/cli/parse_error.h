// What is wrong with a command line, and what is near.
#pragma once

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace dtbench {

// CLI11 tells what is wrong with the program's command line; what is near is for us to say.
Error explain(const CLI::App& program, const CLI::ParseError& error);

}  // namespace dtbench
