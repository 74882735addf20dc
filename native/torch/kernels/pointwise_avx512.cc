#include "pointwise.h"

#if defined(__AVX512F__)

#include <immintrin.h>

#include "pointwise_body.h"

namespace torchgraft {

namespace {

struct Lanes {
  static constexpr int kLanes = 16;
  static constexpr int kTogether = 1;  // inputs
  static constexpr int kMostVectors = 4;
  __m512 v;

  static constexpr int MostPixels(int vectors) {
    return vectors == 4 ? 6 : vectors == 3 ? 8 : vectors == 2 ? 12 : 14;
  }

  static Lanes Load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static Lanes All(const float* x) { return {_mm512_set1_ps(*x)}; }
  static Lanes LoadWeights(const float* w) { return {_mm512_loadu_ps(w)}; }
  void Add(Lanes w, Lanes x) { v = _mm512_fmadd_ps(w.v, x.v, v); }
  void AddTo(const float* more, int count) {
    v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(Some(count), more));
  }
  // In this order, which keeps what is not a number.
  void Relu() { v = _mm512_max_ps(_mm512_setzero_ps(), v); }
  void Store(float* to, int count) const {
    if (count == kLanes)
      _mm512_storeu_ps(to, v);
    else
      _mm512_mask_storeu_ps(to, Some(count), v);
  }

 private:
  static __mmask16 Some(int count) { return static_cast<__mmask16>((1u << count) - 1); }
};

}  // namespace

const PointwiseKernel<float>* PointwiseAvx512() {
  static constexpr PointwiseKernel<float> kKernel{PackPointwise<Lanes, float>,
                                                  RunPointwise<Lanes, float>};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx512() { return nullptr; }

}  // namespace torchgraft

#endif
