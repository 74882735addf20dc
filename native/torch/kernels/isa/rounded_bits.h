#pragma once

// A float's bits, and those of the nearest bfloat16 and float16, half to even; a float16's number.
// For kernels' bodies.

#include <cstdint>

namespace torchgraft {

namespace {

[[maybe_unused]] uint32_t BitsOf(float x) {
#if defined(__CUDACC__)
  return __float_as_uint(x);
#else
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  return bits;
#endif
}

[[maybe_unused]] float FloatOf(uint32_t bits) {
#if defined(__CUDACC__)
  return __uint_as_float(bits);
#else
  float x;
  __builtin_memcpy(&x, &bits, sizeof(x));
  return x;
#endif
}

constexpr uint16_t kBFloat16Nan = 0x7fc0;

[[maybe_unused]] uint16_t ToBFloat16(float x) {
  if (x != x) return kBFloat16Nan;
  const uint32_t bits = BitsOf(x);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

[[maybe_unused]] uint16_t ToHalf(float x) {
  constexpr uint32_t kInfinite = 0x47800000;  // 65536, the first beyond all float16
  constexpr uint32_t kNormal = 0x38800000;    // 2^-14, the smallest with all its digits
  const uint32_t sign = (BitsOf(x) >> 16) & 0x8000;
  const uint32_t size = BitsOf(x) & 0x7fffffff;
  uint32_t half;
  if (size > 0x7f800000) {
    half = 0x7e00;  // not a number
  } else if (size >= kInfinite) {
    half = 0x7c00;
  } else if (size < kNormal) {
    // Its last digit is worth 2^-24, as a float's is at 0.5: the sum rounds there.
    half = BitsOf(FloatOf(size) + 0.5f) - BitsOf(0.5f);
  } else {
    half = (size - ((127u - 15) << 23) + 0xfff + ((size >> 13) & 1)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

[[maybe_unused]] float OfHalf(uint32_t half) {
  const uint32_t sign = (half & 0x8000) << 16;
  const uint32_t size = (half & 0x7fff) << 13;
  constexpr uint32_t kInfinite = 0x7c00u << 13;
  // Neither infinite nor NaN: as a float it is 2^112 times too small, exactly.
  if (size < kInfinite) return FloatOf(sign | BitsOf(FloatOf(size) * 0x1p112f));
  return FloatOf(sign | size | 0x7f800000);
}

}  // namespace

}  // namespace torchgraft
