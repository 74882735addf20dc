#pragma once

#include <cstddef>

namespace torchgraft {

// While a lease lives, libtorch's CPU allocator takes large blocks from an arena that keeps freed
// memory. For the whole process, since libtorch has one CPU allocator; when the last lease ends,
// free memory goes back to the system, and new blocks come from malloc again. Linux only.
class CachingAllocatorLease {
 public:
  CachingAllocatorLease();
  ~CachingAllocatorLease();

  CachingAllocatorLease(const CachingAllocatorLease&) = delete;
  CachingAllocatorLease& operator=(const CachingAllocatorLease&) = delete;
};

}  // namespace torchgraft
