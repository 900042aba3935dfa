// The manual page dtbench(1), for man(7) macros: a section for each command, with what --help says.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace dtbench {

std::string man_page(const Command& program);

}  // namespace dtbench
