// What schedulers have in common: tasks that run one command and share its cells by their leases.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace dtbench {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct SharedJob {
  std::string name;                  // as the scheduler allows
  std::size_t cells = 0;             // of the whole matrix, for who reads the script
  std::vector<std::string> command;  // of each task: the program and its arguments
  Variables environment;             // that the command needs
  int tasks = 1, at_once = 1, cpus = 1;
};

}  // namespace dtbench
