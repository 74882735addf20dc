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

void StoreAs(Vec x, float* to) { x.Store(to); }

void StoreAs(Vec x, BFloat16Bits* to) { x.Store(&to->bits); }

#if defined(__AVX512F__)

void StoreAs(Vec x, HalfBits* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

[[maybe_unused]] void StoreAs(Vec x, int32_t* to) {
  _mm512_storeu_si512(to, _mm512_cvtps_epi32(x.v));
}

#elif defined(__AVX2__)

void StoreAs(Vec x, HalfBits* to) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}

[[maybe_unused]] void StoreAs(Vec x, int32_t* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtps_epi32(x.v));
}

#else

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
