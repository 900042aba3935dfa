#include "sweep/signals.h"

#include <algorithm>
#include <ctime>

#include "base/stop_signals.h"

namespace dtbench {

SignalQueue::SignalQueue(std::initializer_list<int> more) : watched_(stop_signals()) {
  for (const int signal : more)
    sigaddset(&watched_, signal);
  sigprocmask(SIG_BLOCK, &watched_, &before_);
}

SignalQueue::~SignalQueue() {
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int SignalQueue::next(double seconds) const {
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(seconds);
  timeout.tv_nsec = static_cast<long>((seconds - static_cast<double>(timeout.tv_sec)) * 1e9);
  return std::max(0, sigtimedwait(&watched_, nullptr, &timeout));
}

}  // namespace dtbench
