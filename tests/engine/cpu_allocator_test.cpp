#include "engine/numerics/cpu_allocator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace dtbench::testing {
namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

TEST(BlockCache, GivesAFreedBlockAgain) {
  BlockCache cache;
  void* first = cache.allocate(3 * kMega);
  ASSERT_TRUE(cache.free(first));
  EXPECT_EQ(cache.allocate(3 * kMega), first);
  EXPECT_EQ(cache.held(), 3 * kMega);
  cache.free(first);
}

TEST(BlockCache, AMuchLargerBlockDoesNotServe) {
  BlockCache cache;
  void* large = cache.allocate(16 * kMega);
  cache.free(large);
  void* small = cache.allocate(8 * kMega);
  EXPECT_NE(small, large);
  // Both together fit what was once in use.
  void* other = cache.allocate(8 * kMega);
  EXPECT_EQ(cache.held(), 16 * kMega);
  cache.free(small);
  cache.free(other);
}

TEST(BlockCache, PointersFromElsewhereAreRefused) {
  BlockCache cache;
  int elsewhere = 0;
  EXPECT_FALSE(cache.free(&elsewhere));
  void* block = cache.allocate(kMega);
  EXPECT_TRUE(cache.free(block));
  EXPECT_FALSE(cache.free(block));  // twice
}

TEST(BlockCache, NoMemoryIsNullAndKeptBlocksAreGivenUpFirst) {
  BlockCache cache;
  cache.free(cache.allocate(kMega));
  EXPECT_EQ(cache.allocate(std::size_t{1} << 60), nullptr);
  EXPECT_EQ(cache.held(), 0U);
}

// What it is for: sizes that change from step to step do not pile up.
TEST(BlockCache, HoldsNoMoreThanWasOnceInUse) {
  BlockCache cache;
  std::mt19937 random(1);
  std::vector<void*> used;
  for (int i = 0; i < 3000; ++i) {
    const bool add = used.size() < 3 || (used.size() < 12 && random() % 2 == 0);
    if (add) {
      const std::size_t size = kMega + random() % (8 * kMega);
      void* block = cache.allocate(size);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0U);
      std::memset(block, i, 64);
      used.push_back(block);
    } else {
      const std::size_t chosen = random() % used.size();
      cache.free(used[chosen]);
      used.erase(used.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    // A block that serves may be an eighth larger than what is asked for.
    ASSERT_LE(cache.held(), cache.peak_in_use() + cache.peak_in_use() / 8);
  }
  for (void* block : used)
    cache.free(block);
}

TEST(BlockCache, ThreadsDoNotShareABlock) {
  BlockCache cache;
  std::atomic<bool> torn = false;
  const auto work = [&](unsigned char mark) {
    for (int i = 0; i < 300; ++i) {
      auto* block = static_cast<unsigned char*>(cache.allocate(kMega));
      std::memset(block, mark, 4096);
      std::this_thread::yield();
      for (int k = 0; k < 4096; ++k)
        if (block[k] != mark) torn = true;
      cache.free(block);
    }
  };
  std::thread one(work, 1), two(work, 2);
  one.join();
  two.join();
  EXPECT_FALSE(torn);
}

}  // namespace
}  // namespace dtbench::testing
