#include "pointwise.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include "pointwise_body.h"

namespace torchgraft {

namespace {

struct Lanes {
  static constexpr int kLanes = 8;
  static constexpr int kTogether = 1;  // inputs
  static constexpr int kMostVectors = 3;
  __m256 v;

  // What sixteen registers hold beside a panel's weights and a pixel.
  static constexpr int MostPixels(int vectors) { return vectors == 1 ? 12 : vectors == 2 ? 6 : 4; }

  static Lanes Load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Lanes All(const float* x) { return {_mm256_broadcast_ss(x)}; }
  static Lanes LoadWeights(const float* w) { return {_mm256_loadu_ps(w)}; }
  // Written out, since GCC moves the sums between registers where it may choose an operand's place.
  void Add(Lanes w, Lanes x) { asm("vfmadd231ps %2, %1, %0" : "+x"(v) : "x"(w.v), "x"(x.v)); }
  void AddTo(const float* more, int) { v = _mm256_add_ps(v, _mm256_loadu_ps(more)); }
  // In this order, which keeps what is not a number.
  void Relu() { v = _mm256_max_ps(_mm256_setzero_ps(), v); }
  void Store(float* to, int) const { _mm256_storeu_ps(to, v); }
};

}  // namespace

const PointwiseKernel<float>* PointwiseAvx2() {
  static constexpr PointwiseKernel<float> kKernel{PackPointwise<Lanes, float>,
                                                  RunPointwise<Lanes, float>};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const PointwiseKernel<float>* PointwiseAvx2() { return nullptr; }

}  // namespace torchgraft

#endif
