#include "engine/train/stop_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>

#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace dtbench {
namespace {

constexpr time_t kGraceSeconds = 2;

// SIGUSR1 is how the destructor wakes the watcher.
sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);
  return set;
}

}  // namespace

void StopSignal::block() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

StopSignal::StopSignal(std::function<void()> save_and_exit)
    : save_and_exit_(std::move(save_and_exit)) {
  block();  // inherited by the watcher, which takes the signals by waiting for them
  watcher_ = std::thread([this] { watch(); });
}

StopSignal::~StopSignal() {
  finished_ = true;
  pthread_kill(watcher_.native_handle(), SIGUSR1);
  watcher_.join();
}

void StopSignal::watch() {
  const sigset_t set = watched();
  int signal = 0;
  sigwait(&set, &signal);
  if (finished_) return;
  requested_ = true;
  log_info("stopping: saving a checkpoint; signal again to stop at once");
  const timespec grace{kGraceSeconds, 0};
  const int again = sigtimedwait(&set, nullptr, &grace);
  if (finished_) return;
  if (again > 0) _exit(static_cast<int>(ExitCode::kInterrupted));
  save_and_exit_();
}

}  // namespace dtbench
