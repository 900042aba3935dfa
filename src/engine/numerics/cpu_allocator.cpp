#include "engine/numerics/cpu_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace dtbench {
namespace {

constexpr std::size_t kPage = 4096, kLarge = std::size_t{1} << 20, kHugePage = std::size_t{2} << 20;

// Sixteen sizes between two powers of two, so that sizes that differ little share blocks.
std::size_t block_size(std::size_t bytes) {
  const std::size_t unit = std::max(kPage, std::bit_floor(bytes) / 16);
  return (bytes + unit - 1) / unit * unit;
}

void* map_plain(std::size_t size) {
  void* pointer = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pointer == MAP_FAILED ? nullptr : pointer;
}

// Begins at a huge page's boundary and asks for huge pages: one fault instead of 512.
void* map_pages(std::size_t size) {
  if (size < 2 * kHugePage) return map_plain(size);
  auto* const begin = static_cast<char*>(map_plain(size + kHugePage));
  if (begin == nullptr) return nullptr;
  const std::size_t past = reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
  const std::size_t before = past == 0 ? 0 : kHugePage - past;
  if (before > 0) munmap(begin, before);
  if (before < kHugePage) munmap(begin + before + size, kHugePage - before);
  madvise(begin + before, size, MADV_HUGEPAGE);
  return begin + before;
}

BlockCache& cache() {
  static auto* const instance = new BlockCache;  // outlives tensors with static storage
  return *instance;
}

void release(void* pointer) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(pointer) % kPage == 0;
  if (aligned && pointer != nullptr && cache().free(pointer))
    c10::profiledCPUMemoryReporter().Delete(pointer);
  else
    c10::GetDefaultCPUAllocator()->raw_deallocate(pointer);
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* pointer = nullptr;
    if (bytes < kLarge) {
      pointer = c10::GetDefaultCPUAllocator()->raw_allocate(bytes);
    } else {
      pointer = cache().allocate(bytes);
      if (pointer == nullptr) c10::profiledCPUMemoryReporter().OutOfMemory(bytes);
      TORCH_CHECK_WITH(OutOfMemoryError, pointer != nullptr, "the machine has no ", bytes,
                       " bytes left for a tensor");
      c10::profiledCPUMemoryReporter().New(pointer, bytes);
    }
    return {pointer, pointer, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(to, from, count);
  }
};

}  // namespace

BlockCache::~BlockCache() {
  while (!kept_.empty())
    give_back_oldest();
}

void* BlockCache::allocate(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  const std::lock_guard hold(mutex_);
  void* pointer = take_kept(size);
  if (pointer == nullptr) {
    const std::size_t most = std::max(peak_, in_use_ + size);
    while (held_ + size > most && !kept_.empty())
      give_back_oldest();
    pointer = map_pages(size);
    while (pointer == nullptr && !kept_.empty()) {
      give_back_oldest();
      pointer = map_pages(size);
    }
    if (pointer == nullptr) return nullptr;
    held_ += size;
    used_[pointer] = {pointer, size, size};
  }
  in_use_ += size;
  peak_ = std::max(peak_, in_use_);
  return pointer;
}

// The smallest that fits; of equals the youngest, whose pages may still be in a cache.
void* BlockCache::take_kept(std::size_t size) {
  auto best = kept_.end();
  for (auto block = kept_.begin(); block != kept_.end(); ++block)
    if (block->size >= size && block->size <= size + size / 8 &&
        (best == kept_.end() || block->size <= best->size))
      best = block;
  if (best == kept_.end()) return nullptr;
  const Block block{best->pointer, best->size, size};
  kept_.erase(best);
  used_[block.pointer] = block;
  return block.pointer;
}

bool BlockCache::free(void* pointer) {
  const std::lock_guard hold(mutex_);
  const auto found = used_.find(pointer);
  if (found == used_.end()) return false;
  in_use_ -= found->second.asked;
  kept_.push_back(found->second);
  used_.erase(found);
  return true;
}

void BlockCache::give_back_oldest() {
  const Block block = kept_.front();
  kept_.erase(kept_.begin());
  held_ -= block.size;
  munmap(block.pointer, block.size);
}

std::size_t BlockCache::held() const {
  const std::lock_guard hold(mutex_);
  return held_;
}

std::size_t BlockCache::peak_in_use() const {
  const std::lock_guard hold(mutex_);
  return peak_;
}

void install_block_cache() {
  c10::SetCPUAllocator(new CachingAllocator);  // torch's from here on
}

}  // namespace dtbench
