#pragma once

// Eight elements of a tensor as floats: TORCHGRAFT_ELEMENT is 0 for float32, 1 for bfloat16, 2 for
// float16. Compiles as CUDA, and as C++ that has CUDA's vectors.

#include <cstdint>

#include "torch/cuda/layers/thread_layout.h"
#include "torch/kernels/isa/rounded_bits.h"

namespace torchgraft {

namespace {

struct Floats {
  float at[kVector];
};

#if TORCHGRAFT_ELEMENT == 0

__device__ inline Floats Load(const void* from, int64_t vector) {
  const float4* v = static_cast<const float4*>(from) + 2 * vector;
  const float4 a = v[0];
  const float4 b = v[1];
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

// x rounded to the element type and back.
__device__ inline float Rounded(float x) { return x; }

__device__ inline void Store(void* to, int64_t vector, const Floats& f) {
  float4* v = static_cast<float4*>(to) + 2 * vector;
  v[0] = make_float4(f.at[0], f.at[1], f.at[2], f.at[3]);
  v[1] = make_float4(f.at[4], f.at[5], f.at[6], f.at[7]);
}

#else

#if TORCHGRAFT_ELEMENT == 1

__device__ inline float FromBits(uint32_t bits) { return FloatOf(bits << 16); }

// float32 → bfloat16, round to nearest even; NaN stays NaN.
__device__ inline uint32_t ToBits(float x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  unsigned short rounded;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(rounded) : "f"(x));
  return rounded;
#else
  return ToBFloat16(x);
#endif
}

#elif defined(__CUDACC__)

__device__ inline float FromBits(uint32_t bits) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(static_cast<unsigned short>(bits)));
  return x;
}

__device__ inline uint32_t ToBits(float x) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}

#else

inline float FromBits(uint32_t bits) { return OfHalf(bits); }

inline uint32_t ToBits(float x) { return ToHalf(x); }

#endif

__device__ inline float Rounded(float x) { return FromBits(ToBits(x)); }

__device__ inline Floats Load(const void* from, int64_t vector) {
  const uint4 v = static_cast<const uint4*>(from)[vector];
  const uint32_t words[4] = {v.x, v.y, v.z, v.w};
  Floats f;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    f.at[2 * i] = FromBits(words[i] & 0xffff);
    f.at[2 * i + 1] = FromBits(words[i] >> 16);
  }
  return f;
}

__device__ inline void Store(void* to, int64_t vector, const Floats& f) {
  uint32_t words[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) words[i] = ToBits(f.at[2 * i]) | ToBits(f.at[2 * i + 1]) << 16;
  static_cast<uint4*>(to)[vector] = make_uint4(words[0], words[1], words[2], words[3]);
}

#endif

}  // namespace

}  // namespace torchgraft
