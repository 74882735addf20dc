#pragma once

// Vectors of floats, as wide as the file that includes this is compiled for. One body of a kernel,
// written with Vec, is compiled once for each CpuLevel: into files that include nothing else, since
// the linker keeps one copy of an inline function and might keep the one with instructions that
// another processor lacks. Hence everything here has a file of its own (static, anonymous).

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace torchgraft {

namespace {

#if defined(__AVX512F__)

struct Vec {
  static constexpr int kLanes = 16;
  __m512 v;

  static Vec Zero() { return {_mm512_setzero_ps()}; }
  static Vec All(float x) { return {_mm512_set1_ps(x)}; }
  static Vec Load(const float* from) { return {_mm512_loadu_ps(from)}; }
  void Store(float* to) const { _mm512_storeu_ps(to, v); }
  // The first `count` lanes; the others are zero, and no memory of theirs is touched.
  static Vec Load(const float* from, int count) {
    return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from)};
  }
  void Store(float* to, int count) const {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), v);
  }

  friend Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vec Max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  friend Vec Min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  // a · b + c, rounded once.
  friend Vec MulAdd(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
};

#elif defined(__AVX2__)

struct Vec {
  static constexpr int kLanes = 8;
  __m256 v;

  static __m256i Mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }

  static Vec Zero() { return {_mm256_setzero_ps()}; }
  static Vec All(float x) { return {_mm256_set1_ps(x)}; }
  static Vec Load(const float* from) { return {_mm256_loadu_ps(from)}; }
  void Store(float* to) const { _mm256_storeu_ps(to, v); }
  static Vec Load(const float* from, int count) { return {_mm256_maskload_ps(from, Mask(count))}; }
  void Store(float* to, int count) const { _mm256_maskstore_ps(to, Mask(count), v); }

  friend Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend Vec Max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  friend Vec Min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  friend Vec MulAdd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
};

#else

// Loops of a fixed length, which a compiler turns into what its processor has.
struct Vec {
  static constexpr int kLanes = 4;
  float v[kLanes];

  template <typename Function>
  static Vec Each(Function function) {
    Vec all;
    for (int i = 0; i < kLanes; ++i) all.v[i] = function(i);
    return all;
  }

  static Vec Zero() { return All(0); }
  static Vec All(float x) {
    return Each([&](int) { return x; });
  }
  static Vec Load(const float* from) { return Load(from, kLanes); }
  void Store(float* to) const { Store(to, kLanes); }
  static Vec Load(const float* from, int count) {
    return Each([&](int i) { return i < count ? from[i] : 0; });
  }
  void Store(float* to, int count) const {
    for (int i = 0; i < kLanes && i < count; ++i) to[i] = v[i];
  }

  friend Vec operator+(Vec a, Vec b) {
    return Each([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend Vec operator-(Vec a, Vec b) {
    return Each([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend Vec operator*(Vec a, Vec b) {
    return Each([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend Vec Max(Vec a, Vec b) {
    return Each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Vec Min(Vec a, Vec b) {
    return Each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  friend Vec MulAdd(Vec a, Vec b, Vec c) {
    return Each([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
};

#endif

}  // namespace

}  // namespace torchgraft
