#include "pointwise.h"

#if defined(__AVX512BF16__)

#include <immintrin.h>

#include "pointwise_body.h"

namespace torchgraft {

namespace {

// Pairs of inputs go into each dot product.
struct Lanes {
  static constexpr int kLanes = 16;
  static constexpr int kTogether = 2;  // inputs
  static constexpr int kMostVectors = 4;
  __m512 v;

  static constexpr int MostPixels(int vectors) {
    return vectors == 4 ? 6 : vectors == 3 ? 8 : vectors == 2 ? 12 : 14;
  }

  static Lanes Load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static __m512i All(const uint16_t* pair) {
    int both;
    __builtin_memcpy(&both, pair, sizeof(both));
    return _mm512_set1_epi32(both);
  }
  static __m512i LoadWeights(const uint16_t* w) { return _mm512_loadu_si512(w); }
  void Add(__m512i w, __m512i x) {
    v = _mm512_dpbf16_ps(v, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
  void AddTo(const uint16_t* more, int count) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(Some(count), more));
    v = _mm512_add_ps(v, _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
  }
  // In this order, which keeps what is not a number.
  void Relu() { v = _mm512_max_ps(_mm512_setzero_ps(), v); }
  void Store(uint16_t* to, int count) const {
    const auto rounded = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v));
    if (count == kLanes)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded);
    else
      _mm256_mask_storeu_epi16(to, Some(count), rounded);
  }

 private:
  static __mmask16 Some(int count) { return static_cast<__mmask16>((1u << count) - 1); }
};

}  // namespace

const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16() {
  static constexpr PointwiseKernel<uint16_t> kKernel{PackPointwise<Lanes, uint16_t>,
                                                     RunPointwise<Lanes, uint16_t>};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<uint16_t>* PointwiseAvx512Bf16() { return nullptr; }

}  // namespace torchgraft

#endif
