#pragma once

// A pixel's three channels as floats, with a fourth lane that nobody reads. For kernels' bodies:
// see vec.h.

#include <cstdint>

#include "torch/kernels/isa/vec.h"

namespace torchgraft {

namespace {

#if defined(__AVX2__)

struct Rgb {
  __m128 v;

  static Rgb Broadcast(float x) { return {_mm_set1_ps(x)}; }
  static Rgb Of(float r, float g, float b) { return {_mm_setr_ps(r, g, b, 0)}; }
  // Reads four bytes.
  static Rgb Load(const uint8_t* from) {
    int32_t bytes;
    __builtin_memcpy(&bytes, from, sizeof(bytes));
    return {_mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)))};
  }
  // Writes four floats.
  void Store(float* to) const { _mm_storeu_ps(to, v); }

  friend Rgb operator+(Rgb a, Rgb b) { return {_mm_add_ps(a.v, b.v)}; }
  friend Rgb operator-(Rgb a, Rgb b) { return {_mm_sub_ps(a.v, b.v)}; }
  friend Rgb operator*(Rgb a, Rgb b) { return {_mm_mul_ps(a.v, b.v)}; }
  friend Rgb operator/(Rgb a, Rgb b) { return {_mm_div_ps(a.v, b.v)}; }
  // a · b + c, rounded once.
  friend Rgb FusedMulAdd(Rgb a, Rgb b, Rgb c) { return {_mm_fmadd_ps(a.v, b.v, c.v)}; }
  friend Rgb Max(Rgb a, Rgb b) { return {_mm_max_ps(a.v, b.v)}; }
  friend Rgb Min(Rgb a, Rgb b) { return {_mm_min_ps(a.v, b.v)}; }
};

// Two pixels.
struct RgbPair {
  __m256 v;

  static RgbPair Broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static RgbPair Of(Rgb low, Rgb high) {
    return {_mm256_insertf128_ps(_mm256_castps128_ps256(low.v), high.v, 1)};
  }
  // Reads four bytes of each.
  static RgbPair Load(const uint8_t* low, const uint8_t* high) {
    int32_t bytes[2];
    __builtin_memcpy(&bytes[0], low, sizeof(bytes[0]));
    __builtin_memcpy(&bytes[1], high, sizeof(bytes[1]));
    const __m128i both = _mm_insert_epi32(_mm_cvtsi32_si128(bytes[0]), bytes[1], 1);
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(both))};
  }
  Rgb Low() const { return {_mm256_castps256_ps128(v)}; }
  Rgb High() const { return {_mm256_extractf128_ps(v, 1)}; }

  friend RgbPair operator*(RgbPair a, RgbPair b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend RgbPair FusedMulAdd(RgbPair a, RgbPair b, RgbPair c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
  }
};

#else

struct Rgb {
  Four v;

  static Rgb Broadcast(float x) { return {Four{x, x, x, x}}; }
  static Rgb Of(float r, float g, float b) { return {Four{r, g, b, 0}}; }
  static Rgb Load(const uint8_t* from) {
    return Of(static_cast<float>(from[0]), static_cast<float>(from[1]),
              static_cast<float>(from[2]));
  }
  void Store(float* to) const { __builtin_memcpy(to, &v, sizeof(v)); }

  friend Rgb operator+(Rgb a, Rgb b) { return {a.v + b.v}; }
  friend Rgb operator-(Rgb a, Rgb b) { return {a.v - b.v}; }
  friend Rgb operator*(Rgb a, Rgb b) { return {a.v * b.v}; }
  friend Rgb operator/(Rgb a, Rgb b) { return {a.v / b.v}; }
  friend Rgb FusedMulAdd(Rgb a, Rgb b, Rgb c) { return {FusedMulAdd(a.v, b.v, c.v)}; }
  friend Rgb Max(Rgb a, Rgb b) { return {a.v > b.v ? a.v : b.v}; }
  friend Rgb Min(Rgb a, Rgb b) { return {a.v < b.v ? a.v : b.v}; }
};

struct RgbPair {
  Rgb low;
  Rgb high;

  static RgbPair Broadcast(float x) { return {Rgb::Broadcast(x), Rgb::Broadcast(x)}; }
  static RgbPair Of(Rgb low, Rgb high) { return {low, high}; }
  static RgbPair Load(const uint8_t* low, const uint8_t* high) {
    return {Rgb::Load(low), Rgb::Load(high)};
  }
  Rgb Low() const { return low; }
  Rgb High() const { return high; }

  friend RgbPair operator*(RgbPair a, RgbPair b) { return {a.low * b.low, a.high * b.high}; }
  friend RgbPair operator/(RgbPair a, RgbPair b) { return {a.low / b.low, a.high / b.high}; }
  friend RgbPair FusedMulAdd(RgbPair a, RgbPair b, RgbPair c) {
    return {FusedMulAdd(a.low, b.low, c.low), FusedMulAdd(a.high, b.high, c.high)};
  }
};

#endif

}  // namespace

}  // namespace torchgraft
