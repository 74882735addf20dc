#pragma once

// Rows of channels as vectors, and bits for their elements. For kernels' bodies: see vec.h.

#include "torch/kernels/isa/vec.h"

namespace torchgraft {

namespace {

// Captures by reference would else be read again from memory for each row.
#define TORCHGRAFT_INLINE __attribute__((always_inline))

// A whole vector's channels, or a row's last few.
struct FullVector {};
struct Tail {
  int count;
};

template <typename T>
TORCHGRAFT_INLINE inline Vec Read(const T* from, FullVector) {
  return Vec::Load(from);
}
template <typename T>
TORCHGRAFT_INLINE inline Vec Read(const T* from, Tail tail) {
  return Vec::Load(from, tail.count);
}
template <typename T>
TORCHGRAFT_INLINE inline void Write(T* to, Vec v, FullVector) {
  v.Store(to);
}
template <typename T>
TORCHGRAFT_INLINE inline void Write(T* to, Vec v, Tail tail) {
  v.Store(to, tail.count);
}

template <typename Function>
TORCHGRAFT_INLINE inline void EachVector(int64_t channels, Function function) {
  int64_t c = 0;
  for (; c + Vec::kLanes <= channels; c += Vec::kLanes) function(c, FullVector{});
  if (c < channels) function(c, Tail{static_cast<int>(channels - c)});
}

constexpr int64_t kMaskBytes = (Vec::kLanes + 7) / 8;

TORCHGRAFT_INLINE inline uint32_t ReadMask(const uint8_t* from) {
  if constexpr (kMaskBytes == 1) return *from;
  return from[0] | static_cast<uint32_t>(from[1]) << 8;
}
TORCHGRAFT_INLINE inline void WriteMask(uint8_t* to, uint32_t bits) {
  to[0] = static_cast<uint8_t>(bits);
  if constexpr (kMaskBytes == 2) to[1] = static_cast<uint8_t>(bits >> 8);
}

int64_t MaskBytesPerRow(int64_t channels) {
  return (channels + Vec::kLanes - 1) / Vec::kLanes * kMaskBytes;
}

// Rows that go into a sum in registers before the sum in memory is touched.
constexpr int kRowsPerStep = 4;

// Calls one(r) for the rows from `row` on, kRowsPerStep of them or those before `end`; unrolled
// where there are so many.
template <class One>
TORCHGRAFT_INLINE inline void EachRowOfStep(int64_t row, int64_t end, const One& one) {
  if (end - row >= kRowsPerStep) {
    one(row);
    one(row + 1);
    one(row + 2);
    one(row + 3);
  } else {
    for (int64_t r = row; r < end; ++r) one(r);
  }
}

}  // namespace

}  // namespace torchgraft
