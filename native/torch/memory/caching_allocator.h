#pragma once

#include <cstddef>

namespace torchgraft {

// While one lives, libtorch takes large blocks of the CPU's memory from an arena that keeps what is
// freed. For the whole process, since libtorch has one allocator; when the last lease ends, all
// that is free goes back to the system, and new blocks are the system's again. Linux only.
class CachingAllocatorLease {
 public:
  CachingAllocatorLease();
  ~CachingAllocatorLease();

  CachingAllocatorLease(const CachingAllocatorLease&) = delete;
  CachingAllocatorLease& operator=(const CachingAllocatorLease&) = delete;
};

}  // namespace torchgraft
