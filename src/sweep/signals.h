// Signals as values that a loop asks for, rather than interruptions.
#pragma once

#include <csignal>
#include <initializer_list>

namespace dtbench {

class SignalQueue {
 public:
  // Blocks the signals that ask to stop (base/stop_signals.h), and `more`, until it goes; a process
  // started meanwhile inherits that (EngineProcess undoes it).
  SignalQueue(std::initializer_list<int> more = {});
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  // The next one, or 0 when none comes within `seconds`.
  int next(double seconds) const;

 private:
  sigset_t watched_{}, before_{};
};

}  // namespace dtbench
