// The engine as a process beside this one: started, signalled, waited for, its words kept.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace dtbench {

class EngineProcess {
 public:
  // Starts it in a process group of its own, so that a terminal's Ctrl-C reaches it through this
  // program alone, once. It gets SIGTERM, on which it saves a checkpoint, when this program dies.
  // `environment`: "NAME=VALUE", on top of this program's. Throws Error when it cannot be started.
  explicit EngineProcess(std::vector<std::string> command,
                         const std::vector<std::string>& environment = {});
  // Ends it (SIGTERM) and waits, unless it has ended.
  ~EngineProcess();
  EngineProcess(const EngineProcess&) = delete;
  EngineProcess& operator=(const EngineProcess&) = delete;

  // Whether it has ended; never waits.
  bool ended();
  void signal(int number) const;

  // Once it has ended:
  int exit_code() const;      // as a shell tells it: 128 + n after signal n
  std::string end() const;    // "exit code 4", "killed by signal 11 (Segmentation fault)"
  std::string error() const;  // its last "error: ..." in one line, else the last line it wrote

 private:
  pid_t process_ = -1;
  int output_ = -1;  // a file in memory that takes both of its outputs
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace dtbench
