#pragma once

// A pixel's three channels as floats, with a fourth lane that nobody reads. For kernels' bodies:
// see vec.h.

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace torchgraft {

namespace {

#if defined(__AVX2__)

struct Rgb {
  __m128 v;

  static Rgb All(float x) { return {_mm_set1_ps(x)}; }
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

#else

struct Rgb {
  float v[4];

  static Rgb All(float x) { return {{x, x, x, x}}; }
  static Rgb Of(float r, float g, float b) { return {{r, g, b, 0}}; }
  static Rgb Load(const uint8_t* from) {
    return {
        {static_cast<float>(from[0]), static_cast<float>(from[1]), static_cast<float>(from[2]), 0}};
  }
  void Store(float* to) const {
    for (int i = 0; i < 4; ++i) to[i] = v[i];
  }

  template <typename Function>
  static Rgb Each(Function function) {
    return {{function(0), function(1), function(2), function(3)}};
  }
  friend Rgb operator+(Rgb a, Rgb b) {
    return Each([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend Rgb operator-(Rgb a, Rgb b) {
    return Each([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend Rgb operator*(Rgb a, Rgb b) {
    return Each([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend Rgb operator/(Rgb a, Rgb b) {
    return Each([&](int i) { return a.v[i] / b.v[i]; });
  }
  // In double a product of floats is exact.
  friend Rgb FusedMulAdd(Rgb a, Rgb b, Rgb c) {
    return Each([&](int i) {
      return static_cast<float>(static_cast<double>(a.v[i]) * b.v[i] + c.v[i]);
    });
  }
  friend Rgb Max(Rgb a, Rgb b) {
    return Each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Rgb Min(Rgb a, Rgb b) {
    return Each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
};

#endif

}  // namespace

}  // namespace torchgraft
