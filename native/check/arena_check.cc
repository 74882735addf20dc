#include "check/arena_check.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>

#include "torch/memory/memory_arena.h"

namespace torchgraft {

namespace {

constexpr size_t kArena = size_t{64} << 20;
constexpr size_t kLargest = size_t{6} << 20;
constexpr size_t kAlignment = 64;

struct Block {
  unsigned char* begin;
  size_t bytes;
  unsigned char mark;

  void Fill() const { std::memset(begin, mark, bytes); }

  void Check() const {
    for (size_t i = 0; i < bytes; ++i) {
      if (begin[i] != mark) throw std::runtime_error("a block was written into by another");
    }
  }
};

size_t Resident() {
  size_t all = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void CheckArena(const std::vector<std::string>& arguments) {
  const auto steps = std::stoull(arguments.at(0));
  std::mt19937_64 random(std::stoull(arguments.at(1)));
  MemoryArena arena(kArena);
  std::vector<Block> blocks;
  size_t taken = 0;
  size_t refused = 0;
  size_t expected = 0;
  for (uint64_t step = 0; step < steps; ++step) {
    if (!blocks.empty() && random() % 2 == 0) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      blocks.back().Check();
      expected -= (blocks.back().bytes + kAlignment - 1) / kAlignment * kAlignment;
      arena.Free(blocks.back().begin);
      blocks.pop_back();
      continue;
    }
    const size_t bytes = 1 + random() % (random() % 4 == 0 ? kLargest : kLargest / 64);
    auto* const begin = static_cast<unsigned char*>(arena.Allocate(bytes));
    if (begin == nullptr) {
      ++refused;
      continue;
    }
    if (reinterpret_cast<uintptr_t>(begin) % kAlignment != 0)
      throw std::runtime_error("a block is not aligned");
    if (!arena.Owns(begin) || !arena.Owns(begin + bytes - 1))
      throw std::runtime_error("a block lies outside of the arena");
    blocks.push_back({begin, bytes, static_cast<unsigned char>(random())});
    blocks.back().Fill();
    expected += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    ++taken;
  }
  if (arena.in_use() != expected) throw std::runtime_error("the arena miscounts");
  arena.Trim();  // must leave what is in use as it is
  for (const auto& block : blocks) {
    block.Check();
    arena.Free(block.begin);
  }
  void* const whole = arena.Allocate(kArena);
  if (whole == nullptr) throw std::runtime_error("freed neighbours did not grow together");
  std::memset(whole, 1, kArena);
  const size_t full = Resident();
  arena.Free(whole);
  arena.Trim();
  const size_t trimmed = Resident();
  const bool too_much =
      arena.Allocate(kArena + 1) != nullptr || arena.Allocate(SIZE_MAX) != nullptr;
  std::printf(R"({"taken": %zu, "refused": %zu, "inUse": %zu, "givenBack": %.2f, "tooMuch": %s})"
              "\n",
              taken, refused, arena.in_use(),
              static_cast<double>(full - trimmed) / static_cast<double>(kArena),
              too_much ? "true" : "false");
}

}  // namespace torchgraft
