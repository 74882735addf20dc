#include "torch/memory/caching_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <unistd.h>

#include <mutex>
#include <new>

#include "torch/memory/memory_arena.h"

namespace torchgraft {

namespace {

// malloc caches smaller blocks itself.
constexpr size_t kMinBytes = size_t{64} << 10;

size_t PhysicalMemory() {
  const auto pages = sysconf(_SC_PHYS_PAGES);
  const auto page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : 0;
}

class CachingAllocator final : public c10::Allocator {
 public:
  CachingAllocator() : arena_(PhysicalMemory()) {}

  c10::DataPtr allocate(size_t bytes) override {
    if (bytes >= kMinBytes) {
      const std::lock_guard lock(mutex_);
      void* const block = leases_ > 0 ? arena_.Allocate(bytes) : nullptr;
      if (block != nullptr) return {block, block, &Free, at::Device(at::kCPU)};
    }
    void* const block = c10::GetDefaultCPUAllocator()->raw_allocate(bytes);
    return {block, block, &Free, at::Device(at::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &Free; }

  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  void Lease() {
    const std::lock_guard lock(mutex_);
    if (!installed_) {
      c10::SetCPUAllocator(this);
      installed_ = true;
    }
    ++leases_;
  }

  // A tensor may outlive the last session: its block stays in the arena until it is freed.
  void EndLease() {
    const std::lock_guard lock(mutex_);
    --leases_;
    arena_.Trim();
  }

  static CachingAllocator& Instance();

 private:
  static void Free(void* block) {
    auto& self = Instance();
    {
      const std::lock_guard lock(self.mutex_);
      if (self.arena_.Owns(block)) {
        self.arena_.Free(block);
        if (self.leases_ == 0 && self.arena_.in_use() == 0) self.arena_.Trim();
        return;
      }
    }
    c10::GetDefaultCPUAllocator()->raw_deallocate(block);
  }

  std::mutex mutex_;
  MemoryArena arena_;
  int leases_ = 0;
  bool installed_ = false;
};

// The process's one allocator, and the second of its mutable statics. Never destroyed: libtorch
// still frees tensors of its own while the process exits.
CachingAllocator& CachingAllocator::Instance() {
  alignas(CachingAllocator) static unsigned char storage[sizeof(CachingAllocator)];
  static auto* const allocator = ::new (storage) CachingAllocator;
  return *allocator;
}

}  // namespace

CachingAllocatorLease::CachingAllocatorLease() { CachingAllocator::Instance().Lease(); }

CachingAllocatorLease::~CachingAllocatorLease() { CachingAllocator::Instance().EndLease(); }

}  // namespace torchgraft
