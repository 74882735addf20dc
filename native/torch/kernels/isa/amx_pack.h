#pragma once

// Packs bfloat16 numbers into the layouts of AMX's tiles: transposed, or as pairs of rows (VNNI).
// For files that are compiled for AMX.

#include "torch/kernels/isa/amx_tiles.h"

namespace torchgraft {

namespace {

constexpr int64_t TilesOf(int64_t count, int64_t of_tile) {
  return (count + of_tile - 1) / of_tile;
}

inline __mmask32 FirstOf32(int64_t count) {
  return count >= 32 ? 0xffffffffu : (1u << (count < 0 ? 0 : count)) - 1;
}

inline __m128i EightOf(const uint16_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// Those of four rows, a quarter of a register each.
inline __m512i EightOfFour(const uint16_t* a, const uint16_t* b, const uint16_t* c,
                           const uint16_t* d, int64_t at) {
  __m512i all = _mm512_castsi128_si512(EightOf(a + at));
  all = _mm512_inserti32x4(all, EightOf(b + at), 1);
  all = _mm512_inserti32x4(all, EightOf(c + at), 2);
  return _mm512_inserti32x4(all, EightOf(d + at), 3);
}

// Columns of 32 rows, from `at` on eight: to eight rows of 32, `step` from one to the next.
inline void TransposeEight(const uint16_t* const* rows, int64_t at, uint16_t* to, int64_t step) {
  __m512i eight[8], pairs[8], fours[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    eight[i] = EightOfFour(rows[i], rows[8 + i], rows[16 + i], rows[24 + i], at);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm512_unpacklo_epi16(eight[i], eight[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi16(eight[i], eight[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    fours[i] = _mm512_unpacklo_epi32(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi32(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi32(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi32(pairs[i + 1], pairs[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm512_storeu_si512(to + 2 * i * step, _mm512_unpacklo_epi64(fours[i], fours[i + 4]));
    _mm512_storeu_si512(to + (2 * i + 1) * step, _mm512_unpackhi_epi64(fours[i], fours[i + 4]));
  }
}

// Columns of 16 rows, from `at` on eight, in pairs: to four rows of 16 pairs.
inline void TransposePairs(const uint16_t* const* rows, int64_t at, uint16_t* to) {
  __m512i four[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    four[i] = EightOfFour(rows[i], rows[4 + i], rows[8 + i], rows[12 + i], at);
  const __m512i a = _mm512_unpacklo_epi32(four[0], four[1]);
  const __m512i b = _mm512_unpackhi_epi32(four[0], four[1]);
  const __m512i c = _mm512_unpacklo_epi32(four[2], four[3]);
  const __m512i d = _mm512_unpackhi_epi32(four[2], four[3]);
  _mm512_storeu_si512(to, _mm512_unpacklo_epi64(a, c));
  _mm512_storeu_si512(to + 32, _mm512_unpackhi_epi64(a, c));
  _mm512_storeu_si512(to + 64, _mm512_unpacklo_epi64(b, d));
  _mm512_storeu_si512(to + 96, _mm512_unpackhi_epi64(b, d));
}

// Sixteen numbers of two rows as pairs.
inline __m512i PairsOfSixteen(__m256i a, __m256i b) {
  const __m512i low = _mm512_cvtepu16_epi32(a);
  const __m512i high = _mm512_cvtepu16_epi32(b);
  return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

}  // namespace

}  // namespace torchgraft
