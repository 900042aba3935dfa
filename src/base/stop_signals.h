// The signals that ask a program to end: Ctrl-C, kill, a terminal that was closed, and what
// schedulers send before a time limit (Slurm's --signal=USR1 or USR2).
#pragma once

#include <csignal>

namespace dtbench {

// SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2, without those that whoever started this program had
// it ignore: nohup and a shell's background jobs do.
sigset_t stop_signals();

// From here on they end the process with exit code 130, as the program has nothing to save: what
// it writes appears whole, and the next call removes what was on the way.
void end_on_stop_signals();

// Blocks them in the calling thread while it lives: they wait.
class StopSignalsHeld {
 public:
  StopSignalsHeld();
  ~StopSignalsHeld();
  StopSignalsHeld(const StopSignalsHeld&) = delete;
  StopSignalsHeld& operator=(const StopSignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace dtbench
