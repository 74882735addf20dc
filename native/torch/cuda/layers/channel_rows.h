#pragma once

// Rows of channels shared out to threads, and sums over them.

#include <cstdint>

#include "torch/cuda/layers/element.h"
#include "torch/cuda/layers/thread_layout.h"

namespace torchgraft {

namespace {

// The elements of a thread: one vector of channels, in every `step`-th row from `first`.
struct ThreadRows {
  int64_t channels;
  int64_t vectors;  // of a row
  int64_t vector;   // this thread's; out of range from `vectors` on
  int64_t first;
  int64_t step;
  int wide;  // vectors of a block
  int lane;  // this thread's number among the block's threads with the same vector
  int lanes;

  // Of part `part` of `parts`, in a block of `wide` vectors.
  __device__ ThreadRows(int64_t channels, int wide, unsigned part, unsigned parts)
      : channels(channels), vectors(channels / kVector), wide(wide) {
    lanes = kBlockThreads / wide;
    lane = threadIdx.x / wide;
    vector = static_cast<int64_t>(blockIdx.y) * wide + threadIdx.x % wide;
    first = static_cast<int64_t>(part) * lanes + lane;
    step = static_cast<int64_t>(parts) * lanes;
  }

  __device__ bool InRange() const { return lane < lanes && vector < vectors; }
  __device__ int64_t At(int64_t row) const { return row * vectors + vector; }
};

__device__ inline Floats LoadChannels(const float* channels, int64_t vector) {
  Floats f;
#pragma unroll
  for (int i = 0; i < kVector; ++i) f.at[i] = channels[vector * kVector + i];
  return f;
}

// Sums each of `each` over the lanes of a block, into its part: [kSums, channels].
template <int kSums>
__device__ void StorePart(const ThreadRows& rows, const Floats (&each)[kSums], float* part) {
  __shared__ float sums[kSums][kBlockThreads][kVector + 1];
#pragma unroll
  for (int which = 0; which < kSums; ++which) {
#pragma unroll
    for (int i = 0; i < kVector; ++i) sums[which][threadIdx.x][i] = each[which].at[i];
  }
  __syncthreads();
  const int width = rows.wide * kVector;
  for (int t = threadIdx.x; t < kSums * width; t += kBlockThreads) {
    const int which = t / width;
    const int channel = t % width;
    const int64_t absolute = static_cast<int64_t>(blockIdx.y) * width + channel;
    if (absolute >= rows.channels) continue;
    float sum = 0;
    for (int lane = 0; lane < rows.lanes; ++lane)
      sum += sums[which][lane * rows.wide + channel / kVector][channel % kVector];
    part[which * rows.channels + absolute] = sum;
  }
}

}  // namespace

}  // namespace torchgraft
