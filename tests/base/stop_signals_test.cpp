#include "base/stop_signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace dtbench {
namespace {

// How a process ends that does this.
int end_of(const std::function<void()>& action) {
  if (const pid_t child = fork(); child == 0) {
    action();
    _exit(7);
  }
  int status = 0;
  wait(&status);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

class StopSignals : public testing::TestWithParam<int> {};

TEST_P(StopSignals, EndWithTheCodeOfAnInterruption) {
  const int number = GetParam();
  EXPECT_EQ(end_of([&] { raise(number); }), -number);
  EXPECT_EQ(end_of([&] {
              end_on_stop_signals();
              raise(number);
            }),
            130);
}

// nohup, for one: who ignored a signal wants the program to outlast it.
TEST_P(StopSignals, ThatAreIgnoredStayIgnored) {
  const int number = GetParam();
  EXPECT_EQ(end_of([&] {
              std::signal(number, SIG_IGN);
              const sigset_t watched = stop_signals();
              if (sigismember(&watched, number) != 0) _exit(1);
              end_on_stop_signals();
              raise(number);
            }),
            7);
}

TEST_P(StopSignals, WaitWhileTheyAreHeld) {
  const int number = GetParam();
  EXPECT_EQ(end_of([&] {
              end_on_stop_signals();
              {
                const StopSignalsHeld held;
                raise(number);
                sigset_t pending;
                sigpending(&pending);
                if (sigismember(&pending, number) != 1) _exit(1);
              }
              _exit(2);
            }),
            130);
}

INSTANTIATE_TEST_SUITE_P(All, StopSignals, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGUSR2));

}  // namespace
}  // namespace dtbench
