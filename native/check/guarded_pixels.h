#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <random>

namespace torchgraft {

// Pixels whose last byte is the last one that may be read.
class GuardedPixels {
 public:
  GuardedPixels(std::mt19937& random, int64_t height, int64_t width) {
    const size_t bytes = static_cast<size_t>(height * width * 3);
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t readable = (bytes + page - 1) / page * page;
    mapped_ = readable + page;
    memory_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    auto* const end = static_cast<uint8_t*>(memory_) + readable;
    mprotect(end, page, PROT_NONE);
    pixels_ = end - bytes;
    std::generate(pixels_, end, [&] { return static_cast<uint8_t>(random()); });
  }
  GuardedPixels(const GuardedPixels&) = delete;
  GuardedPixels& operator=(const GuardedPixels&) = delete;
  ~GuardedPixels() { munmap(memory_, mapped_); }

  const uint8_t* get() const { return pixels_; }

 private:
  void* memory_;
  size_t mapped_;
  uint8_t* pixels_;
};

}  // namespace torchgraft
