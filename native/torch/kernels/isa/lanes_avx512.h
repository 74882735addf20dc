#pragma once

// Sixteen outputs' sums in float, as lanes_avx2.h has eight. For files that are compiled for
// AVX-512.

#include <immintrin.h>

namespace torchgraft {

namespace {

struct WideSums {
  static constexpr int kLanes = 16;
  static constexpr int kMostVectors = 4;
  __m512 v;

  // Of the thirty-two registers; the rows of RegNet at 224 px are multiples of seven.
  static constexpr int MostPixels(int vectors) { return vectors == 1 ? 14 : vectors == 4 ? 6 : 7; }

  // In this order, which keeps what is not a number.
  void Relu() { v = _mm512_max_ps(_mm512_setzero_ps(), v); }

 protected:
  static __mmask16 FirstLanes(int count) { return static_cast<__mmask16>((1u << count) - 1); }
};

struct FloatLanes16 : WideSums {
  static constexpr int kInputsPerDot = 1;  // inputs

  static FloatLanes16 Load(const float* from) { return {{_mm512_loadu_ps(from)}}; }
  static FloatLanes16 Broadcast(const float* x) { return {{_mm512_set1_ps(*x)}}; }
  static FloatLanes16 LoadWeights(const float* w) { return Load(w); }
  void Add(FloatLanes16 w, FloatLanes16 x) { v = _mm512_fmadd_ps(w.v, x.v, v); }
  void AddResidual(const float* residual, int count) {
    v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(FirstLanes(count), residual));
  }
  void Store(float* to, int count) const {
    if (count == kLanes)
      _mm512_storeu_ps(to, v);
    else
      _mm512_mask_storeu_ps(to, FirstLanes(count), v);
  }
};

}  // namespace

}  // namespace torchgraft
