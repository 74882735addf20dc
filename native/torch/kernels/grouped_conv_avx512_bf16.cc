#include "grouped_conv.h"

#if defined(__AVX512BF16__)

#include <immintrin.h>

#include "grouped_conv_pair_gradient.h"
#include "grouped_conv_rows.h"

namespace torchgraft {

namespace {

__m128i RoundToBf16(__m256 v) { return reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(v)); }
__m256i RoundToBf16(__m512 v) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)); }

// Pairs of inputs go into each dot product.
struct PairLanes {
  static constexpr int kTogether = 2;

  static void ZeroSlab(uint16_t* to) { Copy(to, _mm_setzero_si128()); }
  static void CopySlab(const uint16_t* from, uint16_t* to) {
    Copy(to, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }

 private:
  static void Copy(uint16_t* to, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v); }
};

struct Lanes8 : PairLanes {
  static constexpr int kLanes = 8;
  __m256 v;

  // Of the thirty-two registers; the rows of RegNet at 224 px are multiples of seven.
  static constexpr int MostPixels(int panel) { return panel == 1 ? 14 : 7; }

  static Lanes8 Zero() { return {{}, _mm256_setzero_ps()}; }
  static Lanes8 Load(const float* from) { return {{}, _mm256_loadu_ps(from)}; }
  static __m256i All(const uint16_t* pair) {
    return _mm256_set1_epi32(*reinterpret_cast<const int*>(pair));
  }
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

struct Lanes16 : PairLanes {
  static constexpr int kLanes = 16;
  __m512 v;

  static constexpr int MostPixels(int panel) { return Lanes8::MostPixels(panel); }

  static Lanes16 Zero() { return {{}, _mm512_setzero_ps()}; }
  static Lanes16 Load(const float* from) { return {{}, _mm512_loadu_ps(from)}; }
  static __m512i All(const uint16_t* pair) {
    return _mm512_set1_epi32(*reinterpret_cast<const int*>(pair));
  }
  static __m512i LoadWeights(const uint16_t* w) { return _mm512_loadu_si512(w); }
  void Add(__m512i w, __m512i x) {
    v = _mm512_dpbf16_ps(v, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
  }
  void Relu() { v = _mm512_max_ps(_mm512_setzero_ps(), v); }
  void Store(uint16_t* to) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), RoundToBf16(v));
  }
};

// Two pixels' slabs, channel beside channel.
void InterleaveSlabs(const uint16_t* a, const uint16_t* b, uint16_t* to) {
  const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
  const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
  auto* const out = reinterpret_cast<__m128i*>(to);
  _mm_storeu_si128(out, _mm_unpacklo_epi16(first, second));
  _mm_storeu_si128(out + 1, _mm_unpackhi_epi16(first, second));
}

bool Wide(const GroupedConv& conv) { return conv.group_width % Lanes16::kLanes == 0; }

void Pack(const GroupedConv& conv, const uint16_t* weight, const WeightSteps& steps,
          bool for_gradient, uint16_t* packed) {
  if (Wide(conv))
    PackWeights<Lanes16>(conv, weight, steps, for_gradient, packed);
  else
    PackWeights<Lanes8>(conv, weight, steps, for_gradient, packed);
}

void ForwardOf(const GroupedConv& conv, const uint16_t* x, const uint16_t* packed, int64_t begin,
               int64_t end, uint16_t* scratch, uint16_t* y) {
  if (Wide(conv))
    Forward<Lanes16>(conv, x, packed, begin, end, scratch, y);
  else
    Forward<Lanes8>(conv, x, packed, begin, end, scratch, y);
}

void DataGradientOf(const GroupedConv& conv, const uint16_t* dy, const uint16_t* packed,
                    int64_t begin, int64_t end, uint16_t* scratch, uint16_t* dx) {
  if (Wide(conv))
    DataGradient<Lanes16>(conv, dy, packed, begin, end, scratch, dx);
  else
    DataGradient<Lanes8>(conv, dy, packed, begin, end, scratch, dx);
}

void WeightGradientOf(const GroupedConv& conv, const uint16_t* x, const uint16_t* dy, int64_t begin,
                      int64_t end, uint16_t* scratch, float* sums) {
  PairGradient<Lanes8>(conv, x, dy, begin, end, scratch, sums, InterleaveSlabs);
}

void Unpack(const GroupedConv& conv, const float* sums, int64_t parts, const WeightSteps& steps,
            uint16_t* dweight) {
  UnpackGradient(conv, sums, parts, steps, dweight, [](double sum) {
    const __m128i rounded = RoundToBf16(_mm256_set1_ps(static_cast<float>(sum)));
    return static_cast<uint16_t>(_mm_extract_epi16(rounded, 0));
  });
}

}  // namespace

const GroupedConvKernel<uint16_t>* GroupedConvAvx512Bf16() {
  static constexpr GroupedConvKernel<uint16_t> kKernel{Pack, ForwardOf, DataGradientOf,
                                                       WeightGradientOf, Unpack};
  return &kKernel;
}

}  // namespace torchgraft

#else

namespace torchgraft {

const GroupedConvKernel<uint16_t>* GroupedConvAvx512Bf16() { return nullptr; }

}  // namespace torchgraft

#endif
