#include "hardware/host.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace dtbench {
namespace {

TEST(Host, TellsTheLoad) {
  const Load load = sample_load();
  EXPECT_GE(load.load_average, 0);
  EXPECT_GE(load.swapped_bytes, 0);
  EXPECT_GT(load.cpu_mhz.value_or(1000), 100);
}

// Three busy threads a core: each waits for two thirds of the time. A negative control of a thread
// that sleeps would wait for none, but other load on the machine may delay its waking.
TEST(Host, ThreadsThatShareCoresWait) {
  CoreWait wait;
  if (!wait.share_since_last(1)) GTEST_SKIP() << "this kernel does not count waiting";
  const double started = steady_seconds();
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  const long threads = 3 * sysconf(_SC_NPROCESSORS_ONLN);
  for (long i = 0; i < threads; ++i)
    busy.emplace_back([&] {
      while (!stop) {
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto share = wait.share_since_last(steady_seconds() - started);
  stop = true;
  for (std::thread& thread : busy)
    thread.join();
  ASSERT_TRUE(share);
  EXPECT_GT(*share, 0.3);
  EXPECT_LE(*share, 1);
}

TEST(Host, NoTimeHasNoShare) {
  CoreWait wait;
  EXPECT_FALSE(wait.share_since_last(0));
}

}  // namespace
}  // namespace dtbench
