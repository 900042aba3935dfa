#include "engine/train/stop_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/stop_signals.h"

namespace dtbench {
namespace {

constexpr time_t kGraceSeconds = 2;

// All that ask to stop; the destructor wakes the watcher by one of them, too.
sigset_t watched() {
  sigset_t set = stop_signals();
  sigaddset(&set, SIGUSR1);
  return set;
}

// A further Ctrl-C, or the destructor's call. SIGTERM and what schedulers warn with may come
// repeatedly: to all processes of a job, and from `dtbench`, which passes on what it got.
sigset_t impatient() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
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
  log_info("stopping: saving a checkpoint; Ctrl-C again to stop at once");
  const timespec grace{kGraceSeconds, 0};
  const sigset_t again = impatient();
  const int further = sigtimedwait(&again, nullptr, &grace);
  if (finished_) return;
  if (further == SIGINT) _exit(static_cast<int>(ExitCode::kInterrupted));
  save_and_exit_();
}

}  // namespace dtbench
