#pragma once

// CUDA's language for a compiler of C++, as far as the kernels speak it, so that the tests can run
// their very source: on fibers, a block after another. Included before it.

#include <cmath>

#include "check/cuda/host_block.h"

#define __device__
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static

struct dim3 {
  unsigned x;
  unsigned y;
  unsigned z;
};

// CUDA's own variables, of the thread that runs.
inline dim3 threadIdx;
inline dim3 blockIdx;
inline dim3 blockDim;
inline dim3 gridDim;

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

inline void __syncthreads() { torchgraft::HostBlock::Current().Sync(); }

inline double __shfl_xor_sync(unsigned, double value, int lane_mask) {
  return torchgraft::HostBlock::Current().Exchange(value, static_cast<unsigned>(lane_mask));
}
