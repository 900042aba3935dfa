// Completion scripts, each a function of the commands alone: the shell runs no program to complete
// a word. All complete commands, flags and known words, else file names.
#pragma once

#include <string>

#include "cli/command_tree.h"

namespace dtbench {

std::string bash_completion(const Command& program);
std::string zsh_completion(const Command& program);  // a file _dtbench in fpath
std::string fish_completion(const Command& program);

}  // namespace dtbench
