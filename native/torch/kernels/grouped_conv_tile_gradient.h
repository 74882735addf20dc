#pragma once

// The weight gradient of grouped_conv.h by tiles: 16 outputs × 16 inputs of sums over pixels. The
// inputs lie as pairs of places, an even one and the one after it, and the output's gradient as
// [column][16][place], all numbered as in grouped_conv_grid.h. A tap reads inputs as many pairs on
// as it is away; one that is away by an odd number reads the gradient one place before instead.

#include "amx_tiles.h"
#include "grouped_conv_grid.h"

namespace torchgraft {

namespace {

constexpr int64_t kDepth = kTileInputs;  // places that a product sums over
constexpr int64_t kTapSums = kTileRows * kTileFloats;

inline int64_t TileSums(const GroupedConv& conv) {
  return Meetings(conv, Columns(conv)) * 9 * kTapSums;
}

// In elements.
struct GradientSizes {
  int64_t columns;
  int64_t planes;   // of inputs: with stride 2 of even and odd rows and columns
  int64_t places;   // of outputs' gradients and one more, up to a whole tile
  int64_t inputs;   // places that are read of a plane
  int64_t channel;  // of outputs' gradients, from one to the next
  int64_t plane;    // of inputs, from one to the next

  GradientSizes(const GroupedConv& conv, const Grid& grid)
      : columns(Columns(conv)),
        planes(conv.stride * conv.stride),
        places(RoundUp(grid.Count() + 1, kDepth)),
        inputs(places + (conv.stride == 1 ? 2 * grid.pitch + 2 : grid.pitch)),
        channel(SpreadBytes((kDepth + places) * 2) / 2),
        plane(SpreadBytes(inputs * kColumn * 2) / 2) {}

  int64_t Inputs() const { return columns * planes * plane; }
  int64_t Gradients() const { return columns * kColumn * channel; }
  int64_t Pointers() const { return inputs + places; }
};

// Where each place's pixel lies; at `zeros` where there is none.
inline void PointToInputs(const GroupedConv& conv, const Grid& grid, const GradientSizes& sizes,
                          int64_t plane, const uint16_t* x, int64_t begin, const uint16_t* zeros,
                          const uint16_t** to) {
  const int64_t stride = conv.stride;
  for (int64_t i = 0; i < sizes.inputs; ++i) to[i] = zeros;
  for (int64_t p = 0; p < grid.pictures; ++p) {
    for (int64_t r = 0; r * stride + plane / stride < (grid.rows - 1) * stride + 3; ++r) {
      const int64_t y = (begin + r) * stride + plane / stride - 1;
      if (y < 0 || y >= conv.height) continue;
      const uint16_t* const row = x + (p * conv.height + y) * conv.width * conv.channels;
      const uint16_t** const places = to + p * grid.picture + r * grid.pitch;
      for (int64_t i = 0; i < grid.pitch; ++i) {
        const int64_t at = i * stride + plane % stride - 1;
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
inline void Transpose(const uint16_t* const* places, int64_t channel, uint16_t* to, int64_t step) {
  __m512i a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    a[i] = _mm512_castsi128_si512(EightOf(places[i] + channel));
    a[i] = _mm512_inserti32x4(a[i], EightOf(places[i + 8] + channel), 1);
    a[i] = _mm512_inserti32x4(a[i], EightOf(places[i + 16] + channel), 2);
    a[i] = _mm512_inserti32x4(a[i], EightOf(places[i + 24] + channel), 3);
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

// As [column][channel][place], before which there is a zero.
inline void PackGradients(const GroupedConv& conv, const GradientSizes& sizes,
                          const uint16_t* const* places, uint16_t* packed) {
  for (int64_t c = 0; c < sizes.columns * kColumn; ++c) packed[c * sizes.channel + kDepth - 1] = 0;
  for (int64_t i = 0; i < sizes.places; i += kDepth) {
    for (int64_t c = 0; c < conv.channels; c += 8)
      Transpose(places + i, c, packed + c * sizes.channel + kDepth + i, sizes.channel);
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

// As [column][plane][pair of places][channel][2].
inline void PackPairs(const GroupedConv& conv, const GradientSizes& sizes,
                      const uint16_t* const* places, FetchSteadily& next, uint16_t* packed) {
  const int64_t whole = conv.channels / kColumn;
  const int64_t step = sizes.planes * sizes.plane;
  for (int64_t i = 0; i < sizes.inputs; i += 2) {
    next.Step();
    const uint16_t* const a = places[i];
    const uint16_t* const b = places[i + 1];
    uint16_t* to = packed + i * kColumn;
    for (int64_t c = 0; c < whole; ++c, to += step) {
      const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + c * kColumn));
      const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + c * kColumn));
      StorePair(first, second, to);
    }
    if (conv.channels % kColumn == 0) continue;
    const __m256i first = _mm256_zextsi128_si256(EightOf(a + whole * kColumn));
    const __m256i second = _mm256_zextsi128_si256(EightOf(b + whole * kColumn));
    StorePair(first, second, to);
  }
}

// Adds some taps' sums over all places.
template <int kTaps>
void SumTaps(const uint16_t* x, const int64_t* taps, const uint16_t* dy, int64_t channel,
             int64_t places, FetchSteadily& next, float* const* sums) {
  const int64_t step = channel * 2;
  _tile_loadd(0, sums[0], kTileBytes);
  _tile_loadd(1, sums[1], kTileBytes);
  _tile_loadd(2, sums[2], kTileBytes);
  if constexpr (kTaps > 3) {
    _tile_loadd(3, sums[3], kTileBytes);
    _tile_loadd(4, sums[4], kTileBytes);
    _tile_loadd(5, sums[5], kTileBytes);
  }
  for (int64_t i = 0; i < places; i += kDepth, x += kDepth * kColumn, dy += kDepth) {
    next.Step();
    _tile_loadd(6, dy, step);
    _tile_loadd(7, x + taps[0], kTileBytes);
    _tile_dpbf16ps(0, 6, 7);
    _tile_loadd(7, x + taps[1], kTileBytes);
    _tile_dpbf16ps(1, 6, 7);
    _tile_loadd(7, x + taps[2], kTileBytes);
    _tile_dpbf16ps(2, 6, 7);
    if constexpr (kTaps > 3) {
      _tile_loadd(7, x + taps[3], kTileBytes);
      _tile_dpbf16ps(3, 6, 7);
      _tile_loadd(7, x + taps[4], kTileBytes);
      _tile_dpbf16ps(4, 6, 7);
      _tile_loadd(7, x + taps[5], kTileBytes);
      _tile_dpbf16ps(5, 6, 7);
    }
  }
  _tile_stored(0, sums[0], kTileBytes);
  _tile_stored(1, sums[1], kTileBytes);
  _tile_stored(2, sums[2], kTileBytes);
  if constexpr (kTaps > 3) {
    _tile_stored(3, sums[3], kTileBytes);
    _tile_stored(4, sums[4], kTileBytes);
    _tile_stored(5, sums[5], kTileBytes);
  }
}

// The nine taps [ky][kx]: those that read the gradient as it lies, then those that read a place
// before.
constexpr int kOrder1[9] = {0, 2, 3, 5, 6, 8, 1, 4, 7};
constexpr int kOrder2[9] = {0, 1, 3, 4, 6, 7, 2, 5, 8};

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
  const uint16_t** const dy_pointers = pointers + sizes.inputs;
  auto* const zeros = reinterpret_cast<uint16_t*>(pointers + sizes.Pointers());
  __builtin_memset(zeros, 0, conv.channels * sizeof(uint16_t));
  const int64_t stride = conv.stride;
  const int64_t x_row = conv.width * conv.channels;
  const int64_t dy_row = conv.out_width * conv.channels;
  const int64_t rows = grid.pictures * grid.rows;
  const int64_t steps = Meetings(conv, Columns(conv)) * sizes.places / kDepth;
  FetchSteadily next_x(x + (begin + rows) * stride * x_row, rows * stride * x_row,
                       sizes.planes * sizes.inputs / 2 + steps);
  FetchSteadily next_dy(dy + (begin + rows) * dy_row, rows * dy_row, steps);
  for (int64_t i = 0; i < sizes.planes; ++i) {
    PointToInputs(conv, grid, sizes, i, x, begin, zeros, pointers);
    PackPairs(conv, sizes, pointers, next_x, inputs + i * sizes.plane);
  }
  PointToGradients(conv, grid, sizes, dy, begin, zeros, dy_pointers);
  PackGradients(conv, sizes, dy_pointers, gradients);
  int64_t taps[9];
  for (int i = 0; i < 9; ++i) {
    const int64_t tap = stride == 1 ? kOrder1[i] : kOrder2[i];
    const int64_t ky = tap / 3, kx = tap % 3;
    const int64_t place = ky / stride * grid.pitch + kx / stride / 2 * 2;
    taps[i] = (ky % stride * stride + kx % stride) * sizes.plane + place * kColumn;
  }
  BeforeTiles();
  const WholeTiles whole;
  for (int64_t out = 0; out < sizes.columns; ++out) {
    const Reach reach(conv, out);
    for (int64_t in = reach.first; in < reach.end; ++in, sums += 9 * kTapSums) {
      const uint16_t* const from = inputs + in * sizes.planes * sizes.plane;
      const uint16_t* const with = gradients + out * kColumn * sizes.channel + kDepth;
      float* to[9];
      for (int i = 0; i < 9; ++i) to[i] = sums + (stride == 1 ? kOrder1[i] : kOrder2[i]) * kTapSums;
      SumTaps<6>(from, taps, with, sizes.channel, sizes.places, next_x, to);
      SumTaps<3>(from, taps + 6, with - 1, sizes.channel, sizes.places, next_dy, to + 6);
    }
  }
}

// 16 sums, of copies that were each summed in float, added in double.
inline __m256i AddCopies(const float* sums, int64_t copies, int64_t step) {
  __m512d low = _mm512_setzero_pd(), high = low;
  for (int64_t i = 0; i < copies; ++i, sums += step) {
    low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm256_loadu_ps(sums)));
    high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm256_loadu_ps(sums + 8)));
  }
  const __m512 all =
      _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(all));
}

// Columns of outputs from `begin` to before `end`. What is not finite may be of a group's
// neighbours, or of a zero, and was met by every sum that it could get into.
inline void UnpackTileGradient(const GroupedConv& conv, const float* sums, int64_t copies,
                               const WeightSteps& steps, int64_t begin, int64_t end,
                               uint16_t* dweight) {
  constexpr int kExponent = 0x7f80;
  const int64_t step = TileSums(conv);
  bool finite = true;
  sums += Meetings(conv, begin) * 9 * kTapSums;
  for (int64_t column = begin; column < end; ++column) {
    const Reach reach(conv, column);
    for (int64_t o = 0; o < kColumn && column * kColumn + o < conv.channels; ++o) {
      const int64_t out = column * kColumn + o;
      const int64_t group = out / conv.group_width * conv.group_width;
      const int64_t group_end = group + conv.group_width;
      for (int64_t in = group; in < group_end;) {
        const float* from =
            sums + in / kColumn * 9 * kTapSums - reach.first * 9 * kTapSums + o * kTileFloats;
        uint16_t taps[9][kColumn];
        for (int64_t k = 0; k < 9; ++k)
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(taps[k]),
                              AddCopies(from + k * kTapSums, copies, step));
        const int64_t column_end = (in / kColumn + 1) * kColumn;
        for (; in < group_end && in < column_end; ++in) {
          uint16_t* const to = dweight + out * steps.out + (in - group) * steps.in;
          for (int64_t k = 0; k < 9; ++k) {
            const uint16_t bits = taps[k][PairPlace(in % kColumn)];
            finite &= (bits & kExponent) != kExponent;
            to[k / 3 * steps.ky + k % 3 * steps.kx] = bits;
          }
        }
      }
    }
    sums += reach.Count() * 9 * kTapSums;
  }
  if (!finite) GiveUp(conv);
}

}  // namespace

}  // namespace torchgraft
