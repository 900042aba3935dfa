// The commands that describe the program itself: `completion` and `man`.
#pragma once

#include <CLI/CLI.hpp>

namespace dtbench {

void add_completion_command(CLI::App& program);
void add_man_command(CLI::App& program);

}  // namespace dtbench
