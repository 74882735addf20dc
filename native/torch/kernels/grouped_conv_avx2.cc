#include "grouped_conv.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include "grouped_conv_rows.h"
#include "grouped_conv_weight_gradient.h"

namespace torchgraft {

namespace {

struct Lanes {
  static constexpr int kLanes = 8;
  static constexpr int kTogether = 1;  // inputs
  __m256 v;

  // What sixteen registers hold beside a panel's weights and a pixel.
  static constexpr int MostPixels(int panel) { return panel == 1 ? 14 : panel == 2 ? 6 : 4; }

  static Lanes Zero() { return {_mm256_setzero_ps()}; }
  static Lanes Load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Lanes All(const float* x) { return {_mm256_broadcast_ss(x)}; }
  static Lanes LoadWeights(const float* w) { return {_mm256_loadu_ps(w)}; }
  // Written out, since GCC moves the sums between registers where it may choose an operand's place.
  void Add(Lanes w, Lanes x) { asm("vfmadd231ps %2, %1, %0" : "+x"(v) : "x"(w.v), "x"(x.v)); }
  void Relu() { v = _mm256_max_ps(_mm256_setzero_ps(), v); }
  void Store(float* to) const { _mm256_storeu_ps(to, v); }
  void AddTo(float* to) const { _mm256_storeu_ps(to, _mm256_add_ps(_mm256_loadu_ps(to), v)); }

  static void ZeroSlab(float* to) { _mm256_storeu_ps(to, _mm256_setzero_ps()); }
  static void CopySlab(const float* from, float* to) {
    _mm256_storeu_ps(to, _mm256_loadu_ps(from));
  }
};

void Unpack(const GroupedConv& conv, const float* sums, int64_t parts, const WeightSteps& steps,
            float* dweight) {
  UnpackGradient(conv, sums, parts, steps, dweight,
                 [](double sum) { return static_cast<float>(sum); });
}

}  // namespace

const GroupedConvKernel<float>* GroupedConvAvx2() {
  static constexpr GroupedConvKernel<float> kKernel{
      PackWeights<Lanes, float>, Forward<Lanes, float>, DataGradient<Lanes, float>,
      WeightGradient<Lanes, /*kInputs=*/4>, Unpack};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const GroupedConvKernel<float>* GroupedConvAvx2() { return nullptr; }

}  // namespace torchgraft

#endif
