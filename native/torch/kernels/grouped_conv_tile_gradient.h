#pragma once

// The weight gradient of grouped_conv.h by tiles: 16 outputs × 16 inputs of sums over pixels. The
// output's gradient lies as [column][16][place], the inputs as pairs of places, which a tap reads
// as many pairs on as it is away: of even places and the odd ones after them, and of odd ones and
// the even ones after them. All are numbered as in grouped_conv_grid.h.

#include "amx_tiles.h"
#include "grouped_conv_grid.h"

namespace torchgraft {

namespace {

constexpr int64_t kDepth = kTileInputs;  // places that a product sums over
constexpr int64_t kTapSums = kTileRows * kTileFloats;

inline int64_t TileSums(const GroupedConv& conv) { return Meetings(conv) * 9 * kTapSums; }

// Inputs as some taps read them: with stride 2 of even and odd rows and columns.
struct Plane {
  int64_t row, column;  // the first, of padded pictures
  int64_t first;        // place of the first pair
};

struct TapPairs {
  int plane;
  int64_t row, pair;  // how far on
};

constexpr Plane kPlanes1[] = {{0, 0, 0}, {0, 0, 1}};
constexpr Plane kPlanes2[] = {{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {1, 0, 1}, {1, 1, 0}};
// Of [ky][kx].
constexpr TapPairs kTaps1[9] = {{0, 0, 0}, {1, 0, 0}, {0, 0, 1}, {0, 1, 0}, {1, 1, 0},
                                {0, 1, 1}, {0, 2, 0}, {1, 2, 0}, {0, 2, 1}};
constexpr TapPairs kTaps2[9] = {{0, 0, 0}, {2, 0, 0}, {1, 0, 0}, {3, 0, 0}, {5, 0, 0},
                                {4, 0, 0}, {0, 1, 0}, {2, 1, 0}, {1, 1, 0}};

// In elements.
struct GradientSizes {
  int64_t columns;
  int64_t planes;
  int64_t places;   // of outputs' gradients, up to a whole tile
  int64_t inputs;   // places that are read of a plane
  int64_t channel;  // of outputs' gradients, from one to the next
  int64_t plane;    // of inputs, from one to the next

  GradientSizes(const GroupedConv& conv, const Grid& grid)
      : columns(Columns(conv)),
        planes(conv.stride == 1 ? 2 : 6),
        places(RoundUp(grid.Count(), kDepth)),
        inputs(places + (conv.stride == 1 ? 2 * grid.pitch + 2 : grid.pitch)),
        channel(SpreadBytes(places * 2) / 2),
        plane(SpreadBytes(inputs * kColumn * 2) / 2) {}

  int64_t Inputs() const { return columns * planes * plane; }
  int64_t Gradients() const { return columns * kColumn * channel; }
  // A pair of the last place is one of a place after it.
  int64_t InputPointers() const { return inputs + 2; }
  int64_t Pointers() const { return InputPointers() + places; }
};

// Where each place's pixel lies; at `zeros` where there is none.
inline void PointToInputs(const GroupedConv& conv, const Grid& grid, const GradientSizes& sizes,
                          const Plane& plane, const uint16_t* x, int64_t begin,
                          const uint16_t* zeros, const uint16_t** to) {
  const int64_t stride = conv.stride;
  for (int64_t i = 0; i < sizes.InputPointers(); ++i) to[i] = zeros;
  for (int64_t p = 0; p < grid.pictures; ++p) {
    for (int64_t r = 0; r * stride + plane.row < (grid.rows - 1) * stride + 3; ++r) {
      const int64_t y = (begin + r) * stride + plane.row - 1;
      if (y < 0 || y >= conv.height) continue;
      const uint16_t* const row = x + (p * conv.height + y) * conv.width * conv.channels;
      const uint16_t** const places = to + p * grid.picture + r * grid.pitch;
      for (int64_t i = 0; i < grid.pitch; ++i) {
        const int64_t at = i * stride + plane.column - 1;
        if (at >= 0 && at < conv.width) places[i] = row + at * conv.channels;
      }
    }
  }
}

inline void PointToGradients(const GroupedConv& conv, const Grid& grid, const GradientSizes& sizes,
                             const uint16_t* dy, int64_t begin, const uint16_t* zeros,
                             const uint16_t** to) {
  for (int64_t i = 0; i < sizes.places; ++i) to[i] = zeros;
  for (int64_t p = 0; p < grid.pictures; ++p) {
    for (int64_t r = 0; r < grid.rows; ++r) {
      const uint16_t* const row =
          dy + (p * conv.out_height + begin + r) * conv.out_width * conv.channels;
      const uint16_t** const places = to + p * grid.picture + r * grid.pitch;
      for (int64_t i = 0; i < conv.out_width; ++i) places[i] = row + i * conv.channels;
    }
  }
}

inline __m128i EightOf(const uint16_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// 32 places' 8 channels, from each place's to each channel's.
inline void Transpose(const uint16_t* const* places, int64_t channel, uint16_t* to, int64_t step,
                      Finite& finite) {
  __m512i a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    a[i] = _mm512_castsi128_si512(EightOf(places[i] + channel));
    a[i] = _mm512_inserti32x4(a[i], EightOf(places[i + 8] + channel), 1);
    a[i] = _mm512_inserti32x4(a[i], EightOf(places[i + 16] + channel), 2);
    a[i] = _mm512_inserti32x4(a[i], EightOf(places[i + 24] + channel), 3);
    finite.Look(a[i]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm512_unpacklo_epi16(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi16(a[i], a[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm512_unpacklo_epi32(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi32(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi32(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi32(b[i + 1], b[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm512_storeu_si512(to + 2 * i * step, _mm512_unpacklo_epi64(a[i], a[i + 4]));
    _mm512_storeu_si512(to + (2 * i + 1) * step, _mm512_unpackhi_epi64(a[i], a[i + 4]));
  }
}

inline void FetchPixels(const uint16_t* const* places, int64_t count, int64_t channels) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < channels; c += 32) __builtin_prefetch(places[i] + c);
}

// As [column][channel][place].
inline void PackGradients(const GroupedConv& conv, const GradientSizes& sizes,
                          const uint16_t* const* places, uint16_t* packed, Finite& finite) {
  for (int64_t i = 0; i < sizes.places; i += kDepth) {
    if (i + 2 * kDepth <= sizes.places) FetchPixels(places + i + kDepth, kDepth, conv.channels);
    for (int64_t c = 0; c < conv.channels; c += 8)
      Transpose(places + i, c, packed + c * sizes.channel + i, sizes.channel, finite);
  }
}

// Where a channel of 16 stands among those whose pairs PackGradients has interleaved.
inline int64_t PairPlace(int64_t channel) {
  return (channel & 3) | (channel & 8) >> 1 | (channel & 4) << 1;
}

inline void StorePair(__m256i first, __m256i second, uint16_t* to) {
  auto* const out = reinterpret_cast<__m256i*>(to);
  _mm256_storeu_si256(out, _mm256_unpacklo_epi16(first, second));
  _mm256_storeu_si256(out + 1, _mm256_unpackhi_epi16(first, second));
}

// As [column][plane][pair of places][channel][2]. `places` begin with the first pair's.
inline void PackPairs(const GroupedConv& conv, const GradientSizes& sizes,
                      const uint16_t* const* places, uint16_t* packed, Finite& finite) {
  const int64_t whole = conv.channels / kColumn;
  const int64_t step = sizes.planes * sizes.plane;
  for (int64_t i = 0; i < sizes.inputs; i += 2) {
    if (i + 2 * kDepth <= sizes.inputs) FetchPixels(places + i + kDepth, 2, conv.channels);
    const uint16_t* const a = places[i];
    const uint16_t* const b = places[i + 1];
    uint16_t* to = packed + i * kColumn;
    for (int64_t c = 0; c < whole; ++c, to += step) {
      const __m256i first =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + c * kColumn));
      const __m256i second =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + c * kColumn));
      finite.Look(first);
      StorePair(first, second, to);
    }
    if (conv.channels % kColumn == 0) continue;
    const __m256i first = _mm256_zextsi128_si256(EightOf(a + whole * kColumn));
    const __m256i second = _mm256_zextsi128_si256(EightOf(b + whole * kColumn));
    finite.Look(first);
    StorePair(first, second, to);
  }
}

// Adds some taps' sums over all places.
template <int kTaps>
void SumTaps(const uint16_t* x, const int64_t* taps, const uint16_t* dy, int64_t channel,
             int64_t places, float* sums) {
  const int64_t step = channel * 2;
  _tile_loadd(0, sums, kTileBytes);
  _tile_loadd(1, sums + kTapSums, kTileBytes);
  _tile_loadd(2, sums + 2 * kTapSums, kTileBytes);
  _tile_loadd(3, sums + 3 * kTapSums, kTileBytes);
  if constexpr (kTaps > 4) _tile_loadd(4, sums + 4 * kTapSums, kTileBytes);
  for (int64_t i = 0; i < places; i += kDepth, x += kDepth * kColumn, dy += kDepth) {
    _tile_loadd(7, dy, step);
    _tile_loadd(5, x + taps[0], kTileBytes);
    _tile_dpbf16ps(0, 7, 5);
    _tile_loadd(6, x + taps[1], kTileBytes);
    _tile_dpbf16ps(1, 7, 6);
    _tile_loadd(5, x + taps[2], kTileBytes);
    _tile_dpbf16ps(2, 7, 5);
    _tile_loadd(6, x + taps[3], kTileBytes);
    _tile_dpbf16ps(3, 7, 6);
    if constexpr (kTaps > 4) {
      _tile_loadd(5, x + taps[4], kTileBytes);
      _tile_dpbf16ps(4, 7, 5);
    }
  }
  _tile_stored(0, sums, kTileBytes);
  _tile_stored(1, sums + kTapSums, kTileBytes);
  _tile_stored(2, sums + 2 * kTapSums, kTileBytes);
  _tile_stored(3, sums + 3 * kTapSums, kTileBytes);
  if constexpr (kTaps > 4) _tile_stored(4, sums + 4 * kTapSums, kTileBytes);
}

inline int64_t TileGradientRoom(const GroupedConv& conv, int64_t rows) {
  const GradientSizes sizes(conv, Grid(conv, rows));
  return sizes.Inputs() + sizes.Gradients() + sizes.Pointers() * kPointer + conv.channels;
}

// Sums as [column of outputs][column of inputs that it meets][tap][output][input], the inputs as
// PairPlace has them.
inline void TileGradient(const GroupedConv& conv, const uint16_t* x, const uint16_t* dy,
                         int64_t begin, int64_t end, uint16_t* scratch, float* sums) {
  const Grid grid(conv, end - begin);
  const GradientSizes sizes(conv, grid);
  uint16_t* const inputs = scratch;
  uint16_t* const gradients = inputs + sizes.Inputs();
  auto* const pointers = reinterpret_cast<const uint16_t**>(gradients + sizes.Gradients());
  const uint16_t** const dy_pointers = pointers + sizes.InputPointers();
  auto* const zeros = reinterpret_cast<uint16_t*>(pointers + sizes.Pointers());
  __builtin_memset(zeros, 0, conv.channels * sizeof(uint16_t));
  Finite finite;
  const Plane* const planes = conv.stride == 1 ? kPlanes1 : kPlanes2;
  for (int64_t i = 0; i < sizes.planes; ++i) {
    if (planes[i].first == 0)
      PointToInputs(conv, grid, sizes, planes[i], x, begin, zeros, pointers);
    PackPairs(conv, sizes, pointers + planes[i].first, inputs + i * sizes.plane, finite);
  }
  PointToGradients(conv, grid, sizes, dy, begin, zeros, dy_pointers);
  PackGradients(conv, sizes, dy_pointers, gradients, finite);
  if (!finite.All()) return GiveUp(conv);
  int64_t taps[9];
  for (int64_t k = 0; k < 9; ++k) {
    const TapPairs& tap = conv.stride == 1 ? kTaps1[k] : kTaps2[k];
    taps[k] = tap.plane * sizes.plane + (tap.row * grid.pitch + 2 * tap.pair) * kColumn;
  }
  BeforeTiles();
  const WholeTiles whole;
  for (int64_t out = 0; out < sizes.columns; ++out) {
    const Reach reach(conv, out);
    for (int64_t in = reach.first; in < reach.end; ++in, sums += 9 * kTapSums) {
      const uint16_t* const from = inputs + in * sizes.planes * sizes.plane;
      const uint16_t* const with = gradients + out * kColumn * sizes.channel;
      SumTaps<5>(from, taps, with, sizes.channel, sizes.places, sums);
      SumTaps<4>(from, taps + 5, with, sizes.channel, sizes.places, sums + 5 * kTapSums);
    }
  }
}

// Parts that were each summed in float are added in double.
inline void UnpackTileGradient(const GroupedConv& conv, const float* sums, int64_t parts,
                               const WeightSteps& steps, uint16_t* dweight) {
  const int64_t count = TileSums(conv);
  for (int64_t column = 0; column < Columns(conv); ++column) {
    const Reach reach(conv, column);
    for (int64_t o = 0; o < kColumn && column * kColumn + o < conv.channels; ++o) {
      const int64_t out = column * kColumn + o;
      const int64_t group = out / conv.group_width * conv.group_width;
      for (int64_t in = group; in < group + conv.group_width; ++in) {
        const float* from = sums + (in / kColumn - reach.first) * 9 * kTapSums +
                            o * kTileFloats + PairPlace(in % kColumn);
        uint16_t* const to = dweight + out * steps.out + (in - group) * steps.in;
        for (int64_t k = 0; k < 9; ++k, from += kTapSums) {
          double sum = 0;
          for (int64_t part = 0; part < parts; ++part) sum += from[part * count];
          const __m128bh rounded = _mm_cvtneps_pbh(_mm_set_ss(static_cast<float>(sum)));
          to[k / 3 * steps.ky + k % 3 * steps.kx] =
              static_cast<uint16_t>(_mm_extract_epi16(reinterpret_cast<__m128i>(rounded), 0));
        }
      }
    }
    sums += reach.Count() * 9 * kTapSums;
  }
}

}  // namespace

}  // namespace torchgraft
