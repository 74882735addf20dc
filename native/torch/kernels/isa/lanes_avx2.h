#pragma once

// Eight outputs' sums in float: what the convolutions (conv3x3_grouped/register_rows.h,
// conv1x1/pointwise_body.h) take as `Lanes`. For files that are compiled for AVX2.

#include <immintrin.h>

namespace torchgraft {

namespace {

struct FloatLanes8 {
  static constexpr int kLanes = 8;
  static constexpr int kInputsPerDot = 1;  // inputs
  static constexpr int kMostVectors = 3;
  __m256 v;

  // What sixteen registers hold beside a panel's weights and a pixel.
  static constexpr int MostPixels(int vectors) { return vectors == 1 ? 14 : vectors == 2 ? 6 : 4; }

  static FloatLanes8 Zero() { return {_mm256_setzero_ps()}; }
  static FloatLanes8 Load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static FloatLanes8 Broadcast(const float* x) { return {_mm256_broadcast_ss(x)}; }
  static FloatLanes8 LoadWeights(const float* w) { return {_mm256_loadu_ps(w)}; }
  // Written out, since GCC moves the sums between registers where it may choose an operand's place.
  void Add(FloatLanes8 w, FloatLanes8 x) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(v) : "x"(w.v), "x"(x.v));
  }
  void AddResidual(const float* residual, int) { v = _mm256_add_ps(v, _mm256_loadu_ps(residual)); }
  // In this order, which keeps what is not a number.
  void Relu() { v = _mm256_max_ps(_mm256_setzero_ps(), v); }
  void Store(float* to) const { _mm256_storeu_ps(to, v); }
  void Store(float* to, int) const { Store(to); }  // channels are multiples of 8
  void AddTo(float* to) const { _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), v)); }

  static void ZeroSlab(float* to) { _mm256_storeu_ps(to, _mm256_setzero_ps()); }
  static void CopySlab(const float* from, float* to) {
    _mm256_storeu_ps(to, _mm256_loadu_ps(from));
  }
};

}  // namespace

}  // namespace torchgraft
