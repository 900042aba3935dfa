// Another program as a child process.
#pragma once

#include <string>
#include <vector>

namespace dtbench {

struct ChildOutput {
  int status = 0;      // exit code; 128 + the signal's number when a signal ended it
  std::string output;  // its standard output; standard error is this program's
};

// As exec takes them: of `texts`, which must outlive them, with a null at the end.
std::vector<char*> pointers_to(std::vector<std::string>& texts);

// Runs `arguments`, the first being the program's path, to its end, which a SIGTERM brings when
// this program dies. Throws Error when it cannot be started.
ChildOutput run_child(const std::vector<std::string>& arguments);

}  // namespace dtbench
