#pragma once

// Vectors of floats, as wide as the file that includes this is compiled for. One body of a kernel,
// written with Vec, is compiled once for each CpuLevel: into files that include nothing else, since
// the linker keeps one copy of an inline function and might keep the one with instructions that
// another processor lacks. Hence everything here has a file of its own (static, anonymous).

#include <cstdint>

#include "torch/kernels/isa/rounded_bits.h"

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
  static Vec Broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Vec Load(const float* from) { return {_mm512_loadu_ps(from)}; }
  void Store(float* to) const { _mm512_storeu_ps(to, v); }
  // The first `count` lanes; the others are zero, and no memory of theirs is touched.
  static Vec Load(const float* from, int count) {
    return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from)};
  }
  void Store(float* to, int count) const {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), v);
  }

  // bf16: a float's upper half. Storing rounds to nearest, to even.
  static Vec Load(const uint16_t* from) { return Load(from, kLanes); }
  void Store(uint16_t* to) const { Store(to, kLanes); }
  static Vec Load(const uint16_t* from, int count) {
    const auto some = static_cast<__mmask16>((1u << count) - 1);
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, from));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
  }
  void Store(uint16_t* to, int count) const {
    _mm256_mask_storeu_epi16(to, static_cast<__mmask16>((1u << count) - 1), Halved());
  }
  __m256i Halved() const {
#if defined(__AVX512BF16__)
    return (__m256i)_mm512_cvtneps_pbh(v);
#else
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __m512i half =
        _mm512_mask_mov_epi32(_mm512_srli_epi32(up, 16), _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q),
                              _mm512_set1_epi32(kBFloat16Nan));
    return _mm512_cvtepi32_epi16(half);
#endif
  }

  friend Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
  friend Vec Max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  friend Vec Min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  // a · b + c, as fast as may be: rounded once or twice.
  friend Vec MulAdd(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  // Rounded once.
  friend Vec FusedMulAdd(Vec a, Vec b, Vec c) { return MulAdd(a, b, c); }

  // Which lanes ReLU lets through, a bit each: those above zero, and what is not a number.
  friend uint32_t PositiveMask(Vec a) {
    return _mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_NLE_UQ);
  }
  // The lanes with a bit; the others are zero.
  friend Vec Select(Vec a, uint32_t bits) {
    return {_mm512_maskz_mov_ps(static_cast<__mmask16>(bits), a.v)};
  }
  friend Vec SelectPositive(Vec a, Vec by) { return Select(a, PositiveMask(by)); }
};

#elif defined(__AVX2__)

struct Vec {
  static constexpr int kLanes = 8;
  __m256 v;

  static __m256i Mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }

  static Vec Zero() { return {_mm256_setzero_ps()}; }
  static Vec Broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static Vec Load(const float* from) { return {_mm256_loadu_ps(from)}; }
  void Store(float* to) const { _mm256_storeu_ps(to, v); }
  static Vec Load(const float* from, int count) { return {_mm256_maskload_ps(from, Mask(count))}; }
  void Store(float* to, int count) const { _mm256_maskstore_ps(to, Mask(count), v); }

  static Vec Load(const uint16_t* from) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16))};
  }
  void Store(uint16_t* to) const {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    const __m256i half =
        _mm256_blendv_epi8(_mm256_srli_epi32(up, 16), _mm256_set1_epi32(kBFloat16Nan),
                           _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(half, half), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
  }
  static Vec Load(const uint16_t* from, int count) {
    uint16_t all[kLanes] = {};
    for (int i = 0; i < count; ++i) all[i] = from[i];
    return Load(all);
  }
  void Store(uint16_t* to, int count) const {
    uint16_t all[kLanes];
    Store(all);
    for (int i = 0; i < count; ++i) to[i] = all[i];
  }

  friend Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
  friend Vec Max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  friend Vec Min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  friend Vec MulAdd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  friend Vec FusedMulAdd(Vec a, Vec b, Vec c) { return MulAdd(a, b, c); }

  static __m256 PositiveLanes(Vec a) {
    return _mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_NLE_UQ);
  }
  friend uint32_t PositiveMask(Vec a) { return _mm256_movemask_ps(PositiveLanes(a)); }
  friend Vec Select(Vec a, uint32_t bits) {
    const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i some = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), each);
    return {_mm256_and_ps(a.v, _mm256_castsi256_ps(_mm256_cmpeq_epi32(some, each)))};
  }
  friend Vec SelectPositive(Vec a, Vec by) { return {_mm256_and_ps(a.v, PositiveLanes(by))}; }
};

#else

// As compilers have them for any processor.
using Four = float __attribute__((vector_size(16)));

// a · b + c, rounded once: in double a product of floats is exact.
[[maybe_unused]] Four FusedMulAdd(Four a, Four b, Four c) {
  using Doubles = double __attribute__((vector_size(32)));
  return __builtin_convertvector(
      __builtin_convertvector(a, Doubles) * __builtin_convertvector(b, Doubles) +
          __builtin_convertvector(c, Doubles),
      Four);
}

struct Vec {
  static constexpr int kLanes = 4;
  Four v;

  template <typename Function>
  static Vec Each(Function function) {
    Vec all;
    for (int i = 0; i < kLanes; ++i) all.v[i] = function(i);
    return all;
  }

  static Vec Zero() { return Broadcast(0); }
  static Vec Broadcast(float x) { return {Four{x, x, x, x}}; }
  static Vec Load(const float* from) {
    Vec all;
    __builtin_memcpy(&all.v, from, sizeof all.v);
    return all;
  }
  void Store(float* to) const { __builtin_memcpy(to, &v, sizeof v); }
  static Vec Load(const float* from, int count) {
    return Each([&](int i) { return i < count ? from[i] : 0; });
  }
  void Store(float* to, int count) const {
    for (int i = 0; i < kLanes && i < count; ++i) to[i] = v[i];
  }

  static Vec Load(const uint16_t* from) { return Load(from, kLanes); }
  void Store(uint16_t* to) const { Store(to, kLanes); }
  static Vec Load(const uint16_t* from, int count) {
    return Each(
        [&](int i) { return FloatOf(i < count ? static_cast<uint32_t>(from[i]) << 16 : 0); });
  }
  void Store(uint16_t* to, int count) const {
    for (int i = 0; i < kLanes && i < count; ++i) to[i] = ToBFloat16(v[i]);
  }

  friend Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
  friend Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
  friend Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
  friend Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
  friend Vec Max(Vec a, Vec b) { return {a.v > b.v ? a.v : b.v}; }
  friend Vec Min(Vec a, Vec b) { return {a.v < b.v ? a.v : b.v}; }
  friend Vec MulAdd(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
  friend Vec FusedMulAdd(Vec a, Vec b, Vec c) { return {FusedMulAdd(a.v, b.v, c.v)}; }

  friend uint32_t PositiveMask(Vec a) {
    uint32_t bits = 0;
    for (int i = 0; i < kLanes; ++i) bits |= static_cast<uint32_t>(!(a.v[i] <= 0)) << i;
    return bits;
  }
  friend Vec Select(Vec a, uint32_t bits) {
    return Each([&](int i) { return bits >> i & 1 ? a.v[i] : 0; });
  }
  friend Vec SelectPositive(Vec a, Vec by) { return Select(a, PositiveMask(by)); }
};

#endif

}  // namespace

}  // namespace torchgraft
