#pragma once

// Floats stored as bfloat16, as float16 and as whole numbers, to the nearest and half to even. For
// kernels' bodies: see vec.h.

#include "torch/kernels/isa/rounded_bits.h"
#include "torch/kernels/isa/vec.h"

namespace torchgraft {

namespace {

struct BFloat16Bits {
  uint16_t bits;
};

struct HalfBits {
  uint16_t bits;
};

#if defined(__AVX512F__)

void StoreAs(Vec x, float* to) { x.Store(to); }

void StoreAs(Vec x, BFloat16Bits* to) {
  const __m512i bits = _mm512_castps_si512(x.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16)));
}

void StoreAs(Vec x, HalfBits* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

[[maybe_unused]] void StoreAs(Vec x, int32_t* to) {
  _mm512_storeu_si512(to, _mm512_cvtps_epi32(x.v));
}

#elif defined(__AVX2__)

void StoreAs(Vec x, float* to) { x.Store(to); }

void StoreAs(Vec x, BFloat16Bits* to) {
  const __m256i bits = _mm256_castps_si256(x.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_srli_epi32(
      _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd), 16);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm_packus_epi32(_mm256_castsi256_si128(up), _mm256_extracti128_si256(up, 1)));
}

void StoreAs(Vec x, HalfBits* to) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

[[maybe_unused]] void StoreAs(Vec x, int32_t* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtps_epi32(x.v));
}

#else

void StoreAs(Vec x, float* to) { x.Store(to); }

void StoreAs(Vec x, BFloat16Bits* to) {
  for (int i = 0; i < Vec::kLanes; ++i) to[i].bits = ToBFloat16(x.v[i]);
}

void StoreAs(Vec x, HalfBits* to) {
  for (int i = 0; i < Vec::kLanes; ++i) to[i].bits = ToHalf(x.v[i]);
}

[[maybe_unused]] void StoreAs(Vec x, int32_t* to) {
  constexpr double kWhole = 6755399441055744;  // 1.5 · 2^52: sums near it are whole numbers
  for (int i = 0; i < Vec::kLanes; ++i) {
    to[i] = static_cast<int32_t>(static_cast<double>(x.v[i]) + kWhole - kWhole);
  }
}

#endif

}  // namespace

}  // namespace torchgraft
