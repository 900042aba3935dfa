#include "base/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace dtbench {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

// The kernel counts pages in batches per thread: up to some hundred of 4 KiB may not be seen yet.
constexpr std::int64_t kUncounted = 2 * kMiB;

TEST(ProcessMemory, FollowsThePagesTouchedAndKeepsThePeak) {
  constexpr std::int64_t kSize = 64 * kMiB;
  const std::int64_t before = resident_bytes();
  void* pages = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  EXPECT_LT(resident_bytes() - before, kSize / 2);  // mapped only
  std::memset(pages, 1, kSize);
  const std::int64_t touched = resident_bytes();
  EXPECT_GE(touched - before, kSize - kUncounted);
  munmap(pages, kSize);
  EXPECT_LE(resident_bytes(), touched - kSize + kUncounted);
  EXPECT_GE(peak_resident_bytes(), touched - kUncounted);
}

}  // namespace
}  // namespace dtbench
