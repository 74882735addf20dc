#pragma once

// Sums in double of what was summed in float. For files that are compiled for AVX-512.

#include <immintrin.h>

namespace torchgraft {

namespace {

inline void AddWide(__m512 v, double* to) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
  _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), low));
  _mm512_storeu_pd(to + 8, _mm512_add_pd(_mm512_loadu_pd(to + 8), high));
}

}  // namespace

}  // namespace torchgraft
