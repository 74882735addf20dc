#pragma once

// Lanes (lanes_avx2.h) of which each sum takes pairs of inputs in bfloat16. For files that are
// compiled for AVX512-BF16.

#include <cstdint>

#include "torch/kernels/isa/lanes_avx512.h"

namespace torchgraft {

namespace {

inline __m128i RoundToBf16(__m256 v) { return reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(v)); }
inline __m256i RoundToBf16(__m512 v) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)); }

// Pairs of inputs go into each dot product.
struct Pairs {
  static constexpr int kInputsPerDot = 2;

  static void ZeroSlab(uint16_t* to) { Copy(to, _mm_setzero_si128()); }
  static void CopySlab(const uint16_t* from, uint16_t* to) {
    Copy(to, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }

 protected:
  static int PairAt(const uint16_t* pair) {
    int both;
    __builtin_memcpy(&both, pair, sizeof(both));
    return both;
  }

 private:
  static void Copy(uint16_t* to, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v); }
};

struct PairLanes8 : Pairs {
  static constexpr int kLanes = 8;
  __m256 v;

  static constexpr int MostPixels(int vectors) { return WideSums::MostPixels(vectors); }

  static PairLanes8 Zero() { return {{}, _mm256_setzero_ps()}; }
  static PairLanes8 Load(const float* from) { return {{}, _mm256_loadu_ps(from)}; }
  static __m256i Broadcast(const uint16_t* pair) { return _mm256_set1_epi32(PairAt(pair)); }
  static __m256i LoadWeights(const uint16_t* w) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
  }
  void Add(__m256i w, __m256i x) {
    v = _mm256_dpbf16_ps(v, reinterpret_cast<__m256bh>(w), reinterpret_cast<__m256bh>(x));
  }
  void Relu() { v = _mm256_max_ps(_mm256_setzero_ps(), v); }
  void Store(uint16_t* to) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), RoundToBf16(v));
  }
  void AddTo(float* to) const { _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), v)); }
};

struct PairLanes16 : Pairs, WideSums {
  static PairLanes16 Zero() { return {{}, {_mm512_setzero_ps()}}; }
  static PairLanes16 Load(const float* from) { return {{}, {_mm512_loadu_ps(from)}}; }
  static __m512i Broadcast(const uint16_t* pair) { return _mm512_set1_epi32(PairAt(pair)); }
  static __m512i LoadWeights(const uint16_t* w) { return _mm512_loadu_si512(w); }
  void Add(__m512i w, __m512i x) {
    v = _mm512_dpbf16_ps(v, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
  void AddResidual(const uint16_t* residual, int count) {
    const __m512i wide =
        _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(FirstLanes(count), residual));
    v = _mm512_add_ps(v, _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
  }
  void Store(uint16_t* to) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), RoundToBf16(v));
  }
  void Store(uint16_t* to, int count) const {
    if (count == kLanes)
      Store(to);
    else
      _mm256_mask_storeu_epi16(to, FirstLanes(count), RoundToBf16(v));
  }
};

}  // namespace

}  // namespace torchgraft
