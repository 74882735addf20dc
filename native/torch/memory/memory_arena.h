#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace torchgraft {

// Blocks of memory from one range of addresses, by best fit; freed neighbours grow together. What
// is freed stays with the process, so that the next block costs no page faults: those are a third
// of a training step otherwise. Not for several threads at once.
class MemoryArena {
 public:
  // Reserves addresses, and no memory yet. Where the system refuses, every Allocate does too.
  explicit MemoryArena(size_t bytes);
  ~MemoryArena();

  MemoryArena(const MemoryArena&) = delete;
  MemoryArena& operator=(const MemoryArena&) = delete;

  // Aligned to 64 bytes. nullptr where there is no room.
  void* Allocate(size_t bytes);
  void Free(void* block);
  bool Owns(const void* block) const;

  // Gives the memory of free blocks back to the system; their addresses stay.
  void Trim();

  size_t in_use() const { return in_use_; }

 private:
  using Address = char*;

  void AddFree(Address begin, size_t bytes);
  void RemoveFree(std::map<Address, size_t>::iterator range);

  Address begin_ = nullptr;
  size_t bytes_ = 0;
  size_t in_use_ = 0;
  Address touched_ = nullptr;  // the end of what was ever handed out
  std::map<Address, size_t> free_;
  std::set<std::pair<size_t, Address>> free_by_size_;
  std::unordered_map<void*, size_t> used_;
};

}  // namespace torchgraft
