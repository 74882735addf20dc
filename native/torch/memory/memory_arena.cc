#include "torch/memory/memory_arena.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace torchgraft {

namespace {

constexpr size_t kAlignment = 64;  // a cache line; with more, all blocks would share cache sets
constexpr size_t kHugePage = size_t{2} << 20;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

#if defined(__linux__)

MemoryArena::MemoryArena(size_t bytes) {
  bytes = RoundUp(bytes, kHugePage);
  void* const reserved = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return;
  const auto address = reinterpret_cast<uintptr_t>(reserved);
  const size_t before = RoundUp(address, kHugePage) - address;
  if (before > 0) munmap(reserved, before);
  if (before < kHugePage)
    munmap(static_cast<Address>(reserved) + before + bytes, kHugePage - before);
  begin_ = static_cast<Address>(reserved) + before;
  bytes_ = bytes;
  high_water_ = begin_;
  madvise(begin_, bytes_, MADV_HUGEPAGE);  // a system without huge pages uses small ones
  AddFree(begin_, bytes_);
}

MemoryArena::~MemoryArena() {
  if (begin_ != nullptr) munmap(begin_, bytes_);
}

void MemoryArena::Trim() {
  for (const auto& [begin, bytes] : free_) {
    // Whole huge pages only: freeing a part would split the page.
    const auto first = RoundUp(reinterpret_cast<uintptr_t>(begin), kHugePage);
    const auto end = reinterpret_cast<uintptr_t>(std::min(begin + bytes, high_water_));
    const auto last = in_use_ == 0 ? RoundUp(end, kHugePage) : end / kHugePage * kHugePage;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
  if (in_use_ == 0) high_water_ = begin_;
}

#else

// On other systems the arena is empty: their own allocators were not measured against it.
MemoryArena::MemoryArena(size_t) {}
MemoryArena::~MemoryArena() = default;
void MemoryArena::Trim() {}

#endif

void* MemoryArena::Allocate(size_t bytes) {
  if (bytes > bytes_) return nullptr;
  bytes = RoundUp(std::max<size_t>(bytes, 1), kAlignment);
  const auto fit = free_by_size_.lower_bound({bytes, nullptr});
  if (fit == free_by_size_.end()) return nullptr;
  const auto [available, begin] = *fit;
  RemoveFree(free_.find(begin));
  if (available > bytes) AddFree(begin + bytes, available - bytes);
  used_.emplace(begin, bytes);
  in_use_ += bytes;
  high_water_ = std::max(high_water_, begin + bytes);
  return begin;
}

void MemoryArena::Free(void* block) {
  const auto used = used_.find(block);
  Address begin = static_cast<Address>(block);
  size_t bytes = used->second;
  in_use_ -= bytes;
  used_.erase(used);
  auto after = free_.lower_bound(begin);
  if (after != free_.end() && after->first == begin + bytes) {
    bytes += after->second;
    const auto gone = after++;
    RemoveFree(gone);
  }
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == begin) {
      begin = before->first;
      bytes += before->second;
      RemoveFree(before);
    }
  }
  AddFree(begin, bytes);
}

bool MemoryArena::Owns(const void* block) const {
  return block >= begin_ && block < begin_ + bytes_;
}

void MemoryArena::AddFree(Address begin, size_t bytes) {
  free_.emplace(begin, bytes);
  free_by_size_.emplace(bytes, begin);
}

void MemoryArena::RemoveFree(std::map<Address, size_t>::iterator range) {
  free_by_size_.erase({range->second, range->first});
  free_.erase(range);
}

}  // namespace torchgraft
