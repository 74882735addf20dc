#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace torchgraft {

// An arena: blocks from one reserved range of addresses, by best fit; free neighbours are merged.
// Freed memory stays with the process, so that the next block costs no page faults, which are a
// third of a training step otherwise. Not thread-safe.
class MemoryArena {
 public:
  // Reserves addresses and no memory yet. Where the system refuses, Allocate always gives nullptr.
  explicit MemoryArena(size_t bytes);
  ~MemoryArena();

  MemoryArena(const MemoryArena&) = delete;
  MemoryArena& operator=(const MemoryArena&) = delete;

  // Aligned to 64 bytes. nullptr where no free range is large enough.
  void* Allocate(size_t bytes);
  void Free(void* block);
  bool Owns(const void* block) const;

  // Gives the memory of free ranges back to the system; their addresses stay reserved.
  void Trim();

  size_t in_use() const { return in_use_; }

 private:
  using Address = char*;

  void AddFree(Address begin, size_t bytes);
  void RemoveFree(std::map<Address, size_t>::iterator range);

  Address begin_ = nullptr;
  size_t bytes_ = 0;
  size_t in_use_ = 0;
  Address high_water_ = nullptr;    // the end of the highest block so far
  std::map<Address, size_t> free_;  // bytes by address
  std::set<std::pair<size_t, Address>> free_by_size_;
  std::unordered_map<void*, size_t> used_;
};

}  // namespace torchgraft
