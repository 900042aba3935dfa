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

TEST(FileLock, AFreeOneIsTakenAtOnceOrNotAtAll) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "lock";
  EXPECT_EQ(FileLock::if_free(file), nullptr);
  EXPECT_FALSE(std::filesystem::exists(file));
  {
    const FileLock first(file, "");
    EXPECT_EQ(FileLock::if_free(file), nullptr);
  }
  const auto lock = FileLock::if_free(file);
  ASSERT_NE(lock, nullptr);
  EXPECT_TRUE(lock->held());
  EXPECT_EQ(FileLock::if_free(file), nullptr);
}

TEST(FileLock, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(FileLock("/nowhere/lock", ""), Error);
}

}  // namespace
}  // namespace dtbench
