#include "base/file_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "base/error.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

using namespace std::chrono_literals;

TEST(FileLock, AnotherWaitsUntilItIsLetGo) {
  const TemporaryFolder folder;
  std::optional<FileLock> first;
  first.emplace(folder.path() / "lock", "");
  ASSERT_TRUE(first->held());
  std::atomic<bool> second_holds = false;
  std::thread second([&] {
    const FileLock lock(folder.path() / "lock", "");
    second_holds = lock.held();
  });
  std::this_thread::sleep_for(200ms);
  EXPECT_FALSE(second_holds);
  first.reset();
  second.join();
  EXPECT_TRUE(second_holds);
}

TEST(FileLock, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(FileLock("/nowhere/lock", ""), Error);
}

}  // namespace
}  // namespace dtbench
