// Memory of CPU tensors. A step allocates what the step before freed; given back to the system in
// between, every page would have to be cleared and mapped again, a fifth of a small model's step.
// Kept without bound, blocks of changing sizes pile up. So freed blocks are kept, and the oldest go
// as soon as more would be held than was once in use at the same time.
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace dtbench {

// Page-aligned blocks from the system. Thread-safe.
class BlockCache {
 public:
  BlockCache() = default;
  ~BlockCache();  // gives back what is not in use
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // At least `bytes`; null when the system has none left. A kept block serves if it is at most an
  // eighth larger.
  void* allocate(std::size_t bytes);
  // False, and nothing done, for a pointer that did not come from here.
  bool free(void* pointer);

  // Sums of block sizes: held from the system, and the most that was asked for at once.
  std::size_t held() const;
  std::size_t peak_in_use() const;

 private:
  struct Block {
    void* pointer;
    std::size_t size, asked;
  };
  void* take_kept(std::size_t size);
  void give_back_oldest();

  mutable std::mutex mutex_;
  std::vector<Block> kept_;  // the oldest first
  std::unordered_map<void*, Block> used_;
  std::size_t held_ = 0, in_use_ = 0, peak_ = 0;
};

// From now on torch takes CPU tensors of a mebibyte and more from a BlockCache that lives as long
// as the process; smaller ones come from torch's own allocator, as before. What tensors get is
// reported to torch's profiler, as its own allocator does.
void install_block_cache();

}  // namespace dtbench
