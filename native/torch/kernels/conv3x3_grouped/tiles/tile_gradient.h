#pragma once

// The weight gradient of grouped_conv.h by tiles: 16 outputs × 16 inputs of sums over pixels.

#include "torch/kernels/conv3x3_grouped/tiles/pixel_pairs.h"
#include "torch/kernels/isa/amx_tiles.h"

namespace torchgraft {

namespace {

inline int64_t GradientSums(const GroupedConv& conv) {
  return BlockPairs(conv, ChannelBlocks(conv)) * 9 * kTileSums;
}

// Adds some taps' sums over all places.
template <int kTaps>
void SumTaps(const uint16_t* x, const int64_t* taps, const uint16_t* dy, int64_t channel,
             int64_t places, PrefetchPacer& next, float* const* sums) {
  const int64_t step = channel * 2;
  _tile_loadd(0, sums[0], kTileBytes);
  _tile_loadd(1, sums[1], kTileBytes);
  _tile_loadd(2, sums[2], kTileBytes);
  if constexpr (kTaps > 3) {
    _tile_loadd(3, sums[3], kTileBytes);
    _tile_loadd(4, sums[4], kTileBytes);
    _tile_loadd(5, sums[5], kTileBytes);
  }
  for (int64_t i = 0; i < places; i += kDepth, x += kDepth * kChannelBlock, dy += kDepth) {
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

inline int64_t TileGradientWorkspace(const GroupedConv& conv, int64_t rows) {
  const GradientSizes sizes(conv, Grid(conv, rows));
  return sizes.Inputs() + sizes.Gradients() + sizes.Pointers() * kPointer + conv.channels;
}

// Sums as [block of outputs][block of inputs that contribute to it][tap][output][input], the inputs
// as PairPlace has them.
inline void TileGradient(const GroupedConv& conv, const GradientRows<uint16_t>& piece) {
  const int64_t begin = piece.begin;
  float* sums = piece.sums;
  const Grid grid(conv, piece.end - begin);
  const GradientSizes sizes(conv, grid);
  uint16_t* const inputs = piece.scratch;
  uint16_t* const gradients = inputs + sizes.Inputs();
  auto* const pointers = reinterpret_cast<const uint16_t**>(gradients + sizes.Gradients());
  const uint16_t** const dy_pointers = pointers + sizes.inputs;
  auto* const zeros = reinterpret_cast<uint16_t*>(pointers + sizes.Pointers());
  __builtin_memset(zeros, 0, conv.channels * sizeof(uint16_t));
  const int64_t stride = conv.stride;
  const int64_t x_row = conv.width * conv.channels;
  const int64_t dy_row = conv.out_width * conv.channels;
  const int64_t rows = grid.images * grid.rows;
  const int64_t steps = BlockPairs(conv, ChannelBlocks(conv)) * sizes.places / kDepth;
  PrefetchPacer next_x(piece.x + (begin + rows) * stride * x_row, rows * stride * x_row,
                       sizes.planes * sizes.inputs / 2 + steps);
  PrefetchPacer next_dy(piece.dy + (begin + rows) * dy_row, rows * dy_row, steps);
  for (int64_t i = 0; i < sizes.planes; ++i) {
    PointToInputs(conv, grid, sizes, piece, i, {zeros, pointers});
    PackPairs(conv, sizes, pointers, next_x, inputs + i * sizes.plane);
  }
  PointToGradients(conv, grid, sizes, piece, {zeros, dy_pointers});
  PackGradients(conv, sizes, dy_pointers, gradients);
  int64_t taps[9];
  for (int i = 0; i < 9; ++i) {
    const int64_t tap = stride == 1 ? kOrder1[i] : kOrder2[i];
    const int64_t ky = tap / 3, kx = tap % 3;
    const int64_t place = ky / stride * grid.pitch + kx / stride / 2 * 2;
    taps[i] = (ky % stride * stride + kx % stride) * sizes.plane + place * kChannelBlock;
  }
  CompilerBarrier();
  const TileConfigScope config;
  for (int64_t out = 0; out < sizes.blocks; ++out) {
    const GroupSpan span(conv, out);
    for (int64_t in = span.first; in < span.end; ++in, sums += 9 * kTileSums) {
      const uint16_t* const from = inputs + in * sizes.planes * sizes.plane;
      const uint16_t* const with = gradients + out * kChannelBlock * sizes.channel + kDepth;
      float* to[9];
      for (int i = 0; i < 9; ++i)
        to[i] = sums + (stride == 1 ? kOrder1[i] : kOrder2[i]) * kTileSums;
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

// Blocks of outputs from `begin` to before `end`. What is not finite may be of a group's
// neighbours, or of a zero, and has gone into every sum that it could get into.
inline void UnpackTileGradient(const GroupedConv& conv, const SumsToUnpack<uint16_t>& unpack) {
  const WeightSteps steps = unpack.steps;
  const int64_t begin = unpack.begin, end = unpack.end, copies = unpack.copies;
  uint16_t* const dweight = unpack.dweight;
  constexpr int kExponent = 0x7f80;
  const int64_t step = GradientSums(conv);
  bool finite = true;
  const float* sums = unpack.sums + BlockPairs(conv, begin) * 9 * kTileSums;
  for (int64_t block = begin; block < end; ++block) {
    const GroupSpan span(conv, block);
    for (int64_t o = 0; o < kChannelBlock && block * kChannelBlock + o < conv.channels; ++o) {
      const int64_t out = block * kChannelBlock + o;
      const int64_t group = out / conv.group_width * conv.group_width;
      const int64_t group_end = group + conv.group_width;
      for (int64_t in = group; in < group_end;) {
        const float* from = sums + in / kChannelBlock * 9 * kTileSums - span.first * 9 * kTileSums +
                            o * kTileFloats;
        uint16_t taps[9][kChannelBlock];
        for (int64_t k = 0; k < 9; ++k)
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(taps[k]),
                              AddCopies(from + k * kTileSums, copies, step));
        const int64_t block_end = (in / kChannelBlock + 1) * kChannelBlock;
        for (; in < group_end && in < block_end; ++in) {
          uint16_t* const to = dweight + out * steps.out + (in - group) * steps.in;
          for (int64_t k = 0; k < 9; ++k) {
            const uint16_t bits = taps[k][PairPlace(in % kChannelBlock)];
            finite &= (bits & kExponent) != kExponent;
            to[k / 3 * steps.ky + k % 3 * steps.kx] = bits;
          }
        }
      }
    }
    sums += span.Count() * 9 * kTileSums;
  }
  if (!finite) RequestFallback(conv);
}

}  // namespace

}  // namespace torchgraft
