// Ctrl-C, SIGTERM, SIGHUP and what schedulers warn with: the run saves and ends within seconds,
// however long a step takes.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace dtbench {

// Takes the signals that ask to stop (base/stop_signals.h) in a thread of its own. The first one
// asks the training loop to stop at the next step's end; when that has not happened within the
// grace period, `save_and_exit` is called from this thread: it saves and ends the process, or
// returns when the run has ended meanwhile. A further SIGINT within the grace period ends the
// process at once, with exit code 130; the others may come repeatedly.
class StopSignal {
 public:
  // Blocks the signals in the calling thread and in those it starts: call before any other thread
  // is there.
  static void block();

  explicit StopSignal(std::function<void()> save_and_exit);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool requested() const { return requested_; }

 private:
  void watch();

  std::function<void()> save_and_exit_;
  std::atomic<bool> requested_{false};
  std::atomic<bool> finished_{false};
  std::thread watcher_;
};

}  // namespace dtbench
