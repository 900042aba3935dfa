#include "base/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <array>

#include "base/error.h"

namespace dtbench {
namespace {

constexpr std::array kAll = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

bool is_ignored(int number) {
  struct sigaction action{};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Only calls that are safe in a signal handler.
void end(int /*number*/) {
  constexpr char kMessage[] = "\ninterrupted\n";
  if (write(STDERR_FILENO, kMessage, sizeof kMessage - 1) < 0) {
    // Nobody is there to read it.
  }
  _exit(static_cast<int>(ExitCode::kInterrupted));
}

}  // namespace

// A signal that is ignored is kept all the same while it is blocked, so it may not be waited for.
sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kAll)
    if (!is_ignored(number)) sigaddset(&set, number);
  return set;
}

void end_on_stop_signals() {
  struct sigaction action{};
  action.sa_handler = end;
  action.sa_mask = stop_signals();
  for (const int number : kAll)
    if (!is_ignored(number)) sigaction(number, &action, nullptr);
}

StopSignalsHeld::StopSignalsHeld() {
  const sigset_t held = stop_signals();
  pthread_sigmask(SIG_BLOCK, &held, &before_);
}

StopSignalsHeld::~StopSignalsHeld() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace dtbench
